"""Which graphs the data plane can read: by task the names of its decoders. The engine has one of each."""

DECODERS: dict[str, tuple[str, ...]] = {
    "detection": ("yolox", "picodet", "nanodet", "fastestdet", "detr"),
    "face": ("centerface", "yunet", "ultralight"),
    "classification": ("classifier-probabilities", "classifier-logits"),
}
