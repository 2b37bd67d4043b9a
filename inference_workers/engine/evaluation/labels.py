"""The labels of a set, checked against its pictures, and in the form that pycocotools reads."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from inference_workers.contracts.codec import ContractError, decode
from inference_workers.contracts.evaluations import LabelledPicture, LabelledSet, SetRef
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Image
from inference_workers.engine.pictures import decode_picture

MAX_PICTURE_BYTES = 32 * 1024 * 1024
# Mean luma (BT.601, 0..255) below which a picture counts as night. Of the shared pictures the night street
# has 15 and the crowd at night 45; overcast streets have 65 and more, a lit street at night 131: that is day.
NIGHT_BELOW_LUMA = 55.0
DAY, NIGHT = "day", "night"
# Six classes of COCO have another name in the lists that came from PASCAL VOC; models use either.
_ALIASES = {
    "motorbike": "motorcycle",
    "aeroplane": "airplane",
    "sofa": "couch",
    "pottedplant": "potted plant",
    "diningtable": "dining table",
    "tvmonitor": "tv",
}


def read_labels(data: bytes, ref: SetRef) -> LabelledSet:
    """The manifest whose hash is the name of the version.

    Raises:
        EngineError: `set_changed`, `set_unreadable`.
    """
    found = hashlib.sha256(data).hexdigest()
    if found != ref.sha256:
        raise EngineError(
            "set_changed", f"expected the labels {ref.sha256[:16]}…, the store has {found[:16]}…"
        )
    try:
        labelled = decode(LabelledSet, data)
    except ContractError as error:
        raise EngineError("set_unreadable", f"the labels were written by another release: {error}") from error
    _require_sound(labelled)
    return labelled


def _require_sound(labelled: LabelledSet) -> None:
    for picture in labelled.pictures:
        for box in picture.boxes:
            left, top, right, bottom = box.box_xyxy
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                raise EngineError(
                    "set_unreadable", f"{picture.name}: expected boxes within the picture, got {box.box_xyxy}"
                )
            if not 0 <= box.label < len(labelled.classes):
                raise EngineError("set_unreadable", f"{picture.name}: a box has no class: {box.label}")


def open_picture(data: bytes, labelled: LabelledPicture) -> Image:
    """The upright picture.

    Raises:
        EngineError: `picture_changed`, `picture_size`, and those of `decode_picture`.
    """
    if hashlib.sha256(data).hexdigest() != labelled.sha256:
        raise EngineError("picture_changed", f"{labelled.name}: the stored picture is not the one imported")
    image = decode_picture(data)
    height, width = image.shape[:2]
    if labelled.width and (width, height) != (labelled.width, labelled.height):
        raise EngineError(
            "picture_size",
            f"{labelled.name}: its labels are for {labelled.width}x{labelled.height} pixels, the upright "
            f"picture has {width}x{height}",
        )
    return image


def luma_of(image: Image) -> float:
    """Mean brightness, 0..255."""
    small = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA)
    return float(np.mean(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)))


def light_of(labelled: LabelledPicture, luma: float) -> str:
    """What the labels say, else day or night by the brightness."""
    return labelled.light or (NIGHT if luma < NIGHT_BELOW_LUMA else DAY)


@dataclass(frozen=True, slots=True)
class Sized:
    """A labelled picture with the pixels that it really has."""

    labelled: LabelledPicture
    width: int
    height: int
    light: str


def coco_truth(classes: Sequence[str], pictures: Sequence[Sized]) -> dict[str, Any]:
    """COCO's form: image ids are the places in `pictures` plus one, category ids the places in `classes`."""
    annotations: list[dict[str, Any]] = []
    for place, sized in enumerate(pictures):
        for box in sized.labelled.boxes:
            bbox = to_xywh(box.box_xyxy, sized.width, sized.height)
            area = bbox[2] * bbox[3] if box.area is None else box.area * sized.width * sized.height
            annotations.append(
                {"id": len(annotations) + 1, "image_id": place + 1, "category_id": box.label, "bbox": bbox,
                 "area": area, "iscrowd": int(box.crowd)}
            )  # fmt: skip
    return {
        "info": {},
        "images": [
            {"id": place + 1, "width": sized.width, "height": sized.height}
            for place, sized in enumerate(pictures)
        ],
        "annotations": annotations,
        "categories": [{"id": i, "name": name} for i, name in enumerate(classes)],
    }


def to_xywh(box_xyxy: Sequence[float], width: int, height: int) -> list[float]:
    left, top, right, bottom = box_xyxy
    return [left * width, top * height, (right - left) * width, (bottom - top) * height]


def class_places(model_classes: Sequence[str], set_classes: Sequence[str]) -> Mapping[int, int]:
    """Which class of the set a class of the model is, by name; classes that the set lacks are left out."""
    known = {_plain_name(name): place for place, name in enumerate(set_classes)}
    pairs = ((i, known.get(_plain_name(name))) for i, name in enumerate(model_classes))
    return {i: place for i, place in pairs if place is not None}


def _plain_name(name: str) -> str:
    plain = name.strip().casefold()
    return _ALIASES.get(plain, plain)
