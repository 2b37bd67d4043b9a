"""The families of graphs that can be used, each with its decoder. A new family is one line and one module."""

from dataclasses import dataclass

from inference_workers.engine import classifiers
from inference_workers.engine.detectors import detr, distribution, fastestdet, yolox
from inference_workers.engine.detectors.base import Decoder
from inference_workers.engine.faces import centerface, ultralight, yunet


@dataclass(frozen=True, slots=True)
class Family:
    """Attributes:
    task: "detection", "face" or "classification".
    decoder: None for classifiers, which answer without boxes.
    merges: True when the decoder leaves overlapping boxes to be merged.
    """

    name: str
    task: str
    decoder: Decoder | None
    merges: bool = True


FAMILIES = {
    family.name: family
    for family in (
        Family("yolox", "detection", yolox.decode),
        Family("picodet", "detection", distribution.decode),
        Family("nanodet", "detection", distribution.decode),
        Family("fastestdet", "detection", fastestdet.decode),
        Family("detr", "detection", detr.decode, merges=False),
        Family("centerface", "face", centerface.decode),
        Family("yunet", "face", yunet.decode),
        Family("ultralight", "face", ultralight.decode),
        *(Family(name, classifiers.TASK, None, merges=False) for name in classifiers.READERS),
    )
}
