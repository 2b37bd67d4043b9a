"""Known weights: for each sha256 the facts of its side file, written and measured by us.

So a file with known bytes can be installed without anybody typing its preprocessing. A hash that is not here
needs a side file from the person who brings the model.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from inference_workers.engine.preprocess import Colour, Preprocess, Resize
from inference_workers.engine.side_file import SideFile

COCO_80 = (
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "dining table",
    "toilet",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_IMAGENET_RGB = Preprocess(Colour.RGB, 1 / 255, _MEAN, _STD, Resize.STRETCH)
_YOLOX_BGR = Preprocess(resize=Resize.LETTERBOX, pad_value=114)
_YOLOX_RGB = Preprocess(Colour.RGB, 1 / 255, _MEAN, _STD, Resize.LETTERBOX, 114)
_NANODET = Preprocess(mean=(103.53, 116.28, 123.675), std=(57.375, 57.12, 58.395))
_FASTESTDET = Preprocess(scale=1 / 255)
_ULTRALIGHT = Preprocess(Colour.RGB, 1.0, (127.0, 127.0, 127.0), (128.0, 128.0, 128.0))
_FACE, _MASKED = ("face",), ("face", "masked face")
_RAW = "https://raw.githubusercontent.com"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """`name` is what it is called in a model directory; `size_bytes` and `sha256` identify the file."""

    name: str
    size_bytes: int
    side: SideFile


def _known(
    name: str,
    family: str,
    *,
    sha256: str,
    size_bytes: int,
    source: str,
    licence: str,
    input_size: tuple[int, int],
    preprocess: Preprocess,
    thresholds: tuple[float, float],
    classes: tuple[str, ...],
    note: str = "",
) -> KnownModel:
    task = "face" if classes in (_FACE, _MASKED) else "detection"
    score, nms = thresholds
    return KnownModel(
        name,
        size_bytes,
        SideFile(
            family, task, licence, source, sha256, classes, input_size, preprocess,
            {"score": score, "nms": nms}, note,
        ),
    )  # fmt: skip


_YOLOX_REPO = f"{_RAW}/Kazuhito00/YOLOX-ONNX-TFLite-Sample"
_PICODET_REPO = f"{_RAW}/hpc203/picodet-onnxruntime/dfe4d6cd0a18cd4126ee381e81df8a0b1e6ad97b"
_NANODET_REPO = f"{_RAW}/hpc203/nanodet-opncv-dnn-cpp-python/15dd99c651d53c824f51d1eb5faddbd4f3d69bbc"
_YUNET_REPO = f"{_RAW}/ShiqiYu/libfacedetection.train/0047ac24afb1a50a0c6105001c89d1b5b805dbf1"
_LIGHT_REPO = (
    f"{_RAW}/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB/dffdddda9794a50607cba8f318507a28c1c27cab"
)
_PERSON_REPO = (
    f"{_RAW}/Kazuhito00/Image-Processing-Node-Editor/46979d5b8eacb181abe970e4dd18e8f4cf0e750b/"
    "node/deep_learning_node/object_detection/LightWeightPersonDetector"
)
# YuNet covers faces, so its thresholds are those of the stated recall, below the usual 0.5.
_OLD_YOLOX = "older release (0.1.0): wants normalised RGB, finds nothing in raw BGR"
_WORSE = "larger input, yet worse than nanodet-m-320"

KNOWN: tuple[KnownModel, ...] = (
    _known(
        "yolox-nano",
        "yolox",
        sha256="695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14",
        size_bytes=3660092,
        source=f"{_YOLOX_REPO}/3d4f1119d0694200671c08069ecb847aa0d8495a/model/yolox_nano.onnx",
        licence="Apache-2.0",
        input_size=(416, 416),
        preprocess=_YOLOX_BGR,
        thresholds=(0.35, 0.65),
        classes=COCO_80,
        note="release 0.1.1rc0",
    ),
    _known(
        "yolox-nano-0.1.0",
        "yolox",
        sha256="2b6f5dc6202aaa42215a0f564de9400c7a8f3e0533e063a47c4356f3f4b54c09",
        size_bytes=3659407,
        source=f"{_YOLOX_REPO}/ac07155e3ac8a531d89d24204e50f364d3444275/model/yolox_nano.onnx",
        licence="Apache-2.0",
        input_size=(416, 416),
        preprocess=_YOLOX_RGB,
        thresholds=(0.35, 0.65),
        classes=COCO_80,
        note=_OLD_YOLOX,
    ),
    _known(
        "yolox-person-192",
        "yolox",
        sha256="4bf5f704cd3bd900645a4303e0934ede13d9fb2135058b38005f4c2886c68576",
        size_bytes=3616703,
        source=f"{_PERSON_REPO}/model/model.onnx",
        licence="Apache-2.0",
        input_size=(192, 192),
        preprocess=_YOLOX_BGR,
        thresholds=(0.35, 0.65),
        classes=("person",),
    ),
    _known(
        "picodet-s-320",
        "picodet",
        sha256="d7852a1508b36bfc2739770ad52ff28bf81e219dc5c15dd7868d5ebdf007b6c8",
        size_bytes=4040569,
        source=f"{_PICODET_REPO}/coco/picodet_s_320_coco.onnx",
        licence="Apache-2.0",
        input_size=(320, 320),
        preprocess=_IMAGENET_RGB,
        thresholds=(0.4, 0.6),
        classes=COCO_80,
    ),
    _known(
        "picodet-s-416",
        "picodet",
        sha256="cdab77bdde16e4f76bec734c4e5791801d1739e4c7ec1995e0e110e04300d0c2",
        size_bytes=4040573,
        source=f"{_PICODET_REPO}/coco/picodet_s_416_coco.onnx",
        licence="Apache-2.0",
        input_size=(416, 416),
        preprocess=_IMAGENET_RGB,
        thresholds=(0.4, 0.6),
        classes=COCO_80,
    ),
    _known(
        "nanodet-m-320",
        "nanodet",
        sha256="c59b6c947ce475d27023327808aed655fa000981fe144c4fd2026828999e19f8",
        size_bytes=3795445,
        source=f"{_NANODET_REPO}/nanodet.onnx",
        licence="Apache-2.0",
        input_size=(320, 320),
        preprocess=_NANODET,
        thresholds=(0.4, 0.6),
        classes=COCO_80,
    ),
    _known(
        "nanodet-m-416",
        "nanodet",
        sha256="4b82da9944b88577175ee23a459dce2e26e6e4be573def65b1055dc2d9720186",
        size_bytes=3800954,
        source=f"{_NANODET_REPO}/nanodet_m.onnx",
        licence="Apache-2.0",
        input_size=(416, 416),
        preprocess=_NANODET,
        thresholds=(0.4, 0.6),
        classes=COCO_80,
        note=_WORSE,
    ),
    _known(
        "fastestdet-352-20220707",
        "fastestdet",
        sha256="b1089771f63dd99e4b579d105092a025cb7458ddb8e186390249fba71555a152",
        size_bytes=998169,
        source=f"{_RAW}/dog-qiuqiu/FastestDet/6d08de2a42315a73ae5bf52882d7d4464c1f432e/"
        "example/onnx-runtime/FastestDet.onnx",
        licence="BSD-3-Clause",
        input_size=(352, 352),
        preprocess=_FASTESTDET,
        thresholds=(0.65, 0.45),
        classes=COCO_80,
        note="scores run high",
    ),
    _known(
        "fastestdet-352-20220714",
        "fastestdet",
        sha256="31cb14c017fce347cb4c846ec62fdf00d76bb3beecdf4be21e7116ac67feb880",
        size_bytes=998169,
        source=f"{_RAW}/dog-qiuqiu/FastestDet/50473cd155cb088aa4a99e64ff6a4b3c24fa07e1/"
        "example/onnx-runtime/FastestDet.onnx",
        licence="BSD-3-Clause",
        input_size=(352, 352),
        preprocess=_FASTESTDET,
        thresholds=(0.65, 0.45),
        classes=COCO_80,
        note="scores run high",
    ),
    _known(
        "yunet-n",
        "yunet",
        sha256="104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12",
        size_bytes=322906,
        source=f"{_YUNET_REPO}/onnx/yunet_n_dynamic.onnx",
        licence="Apache-2.0",
        input_size=(1280, 1280),
        preprocess=Preprocess(resize=Resize.FIT),
        thresholds=(0.2, 0.4),
        classes=_FACE,
    ),
    _known(
        "yunet-s",
        "yunet",
        sha256="daede24002cc8590f457998cc5e6c9e8b82f45f6bd969506a8913cd4ed10a2d3",
        size_bytes=237823,
        source=f"{_YUNET_REPO}/onnx/yunet_s_dynamic.onnx",
        licence="Apache-2.0",
        input_size=(640, 640),
        preprocess=Preprocess(resize=Resize.FIT),
        thresholds=(0.3, 0.4),
        classes=_FACE,
    ),
    _known(
        "yunet-n-320",
        "yunet",
        sha256="81dbde155e982455488235acb8ec2dec5d647edf7cf7080d33e4abb69b93a0d2",
        size_bytes=317434,
        source=f"{_YUNET_REPO}/onnx/yunet_n_320_320.onnx",
        licence="Apache-2.0",
        input_size=(320, 320),
        preprocess=Preprocess(resize=Resize.LETTERBOX),
        thresholds=(0.2, 0.4),
        classes=_FACE,
    ),
    _known(
        "yunet-s-320",
        "yunet",
        sha256="beb05bf2378aee45cd7c41056da07265b7bb91041ed1b06f923819a9c744ec36",
        size_bytes=232557,
        source=f"{_YUNET_REPO}/onnx/yunet_s_320_320.onnx",
        licence="Apache-2.0",
        input_size=(320, 320),
        preprocess=Preprocess(resize=Resize.LETTERBOX),
        thresholds=(0.3, 0.4),
        classes=_FACE,
    ),
    _known(
        "ultralight-slim-320",
        "ultralight",
        sha256="e9adbd0f920ddcce9368434c4d34d72520dc0c19b526fd44b4ef49bde2c3b1a8",
        size_bytes=1195330,
        source=f"{_LIGHT_REPO}/models/onnx/version-slim-320.onnx",
        licence="MIT",
        input_size=(320, 240),
        preprocess=_ULTRALIGHT,
        thresholds=(0.6, 0.3),
        classes=_FACE,
    ),
    _known(
        "ultralight-rfb-320",
        "ultralight",
        sha256="34cd7e60aeff28744c657de7a3dc64e872d506741de66987f3426f2b79f88017",
        size_bytes=1270727,
        source=f"{_LIGHT_REPO}/models/onnx/version-RFB-320.onnx",
        licence="MIT",
        input_size=(320, 240),
        preprocess=_ULTRALIGHT,
        thresholds=(0.6, 0.3),
        classes=_FACE,
    ),
    _known(
        "ultralight-rfb-640",
        "ultralight",
        sha256="8f4c659275977e7a3bfbfa339a9c769ad793df50f9c0baa8c14b11baa1646430",
        size_bytes=1588012,
        source=f"{_LIGHT_REPO}/models/onnx/version-RFB-640.onnx",
        licence="MIT",
        input_size=(640, 480),
        preprocess=_ULTRALIGHT,
        thresholds=(0.6, 0.3),
        classes=_FACE,
    ),
    _known(
        "ultralight-rfb-640-masked",
        "ultralight",
        sha256="27ca3e5985f722e91efea7993f625716de627303c4bafb40bb26f456286beca8",
        size_bytes=1566571,
        source=f"{_LIGHT_REPO}/masked_face/pretrained/RFB-640-masked_face-v2.onnx",
        licence="MIT",
        input_size=(640, 480),
        preprocess=_ULTRALIGHT,
        thresholds=(0.6, 0.3),
        classes=_MASKED,
        note="tells faces with a mask apart",
    ),
)
_BY_SHA256 = {model.side.sha256: model for model in KNOWN}
_BY_NAME = {model.name: model for model in KNOWN}


def known_by_name(name: str) -> KnownModel | None:
    return _BY_NAME.get(name)


def describe_known(path: Path) -> KnownModel | None:
    """The facts of a file whose bytes we know, None for a stranger's."""
    with path.open("rb") as file:
        return _BY_SHA256.get(hashlib.file_digest(file, "sha256").hexdigest())


def known_by_sha256(sha256: str) -> KnownModel | None:
    return _BY_SHA256.get(sha256)
