"""Real heads, cut out of labelled pictures, and how a head looks from another side.

A head is bent around an upright cylinder, so that a turn moves nose and eyes sideways, narrows the face and
ends in a profile of one half of it: no more than a stand-in for a head in space, but from real pixels.
"""

import json
import math
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_workers.engine.frame import Image

# Reach of the cut around the face's box, in half widths and half heights of the face.
REACH_U, REACH_V = 1.6, 1.6
HEAD_U, HEAD_V, HEAD_RISE = 1.28, 1.42, 0.14
# Half widths of a face between its middle and the side of the head.
RADIUS_U = 1.28
# Beyond this angle (radians) lies what the picture does not show: its edge goes on.
BACK_OF_HEAD = 1.05
SMALLEST_SOURCE_PX = 60.0
# A nose this far from the middle of the eyes, in distances of the eyes, or eyes this slanted: not frontal.
FRONTAL_NOSE, FRONTAL_SLANT = 0.22, 0.25
_SPRITE_PX = 288


@dataclass(frozen=True, slots=True)
class Head:
    """A head with its surroundings in a square: uint8 BGR (288, 288, 3), the face's box in its middle.

    `aspect` is the face's width as a share of its height; `frontal`: looks into the camera.
    """

    name: str
    picture: Image
    aspect: float
    frontal: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """A head as drawn: premultiplied float32 colour, alpha, and the face's own part of it, all one size."""

    colour: NDArray[np.float32]
    alpha: NDArray[np.float32]
    face: NDArray[np.float32]


def cut_head(name: str, image: Image, box_xywh: tuple[float, float, float, float], *, frontal: bool) -> Head:
    left, top, width, height = box_xywh
    centre = (left + width / 2, top + height / 2)
    scale = np.array([_SPRITE_PX / (REACH_U * width), _SPRITE_PX / (REACH_V * height)])
    matrix = np.array(
        [
            [scale[0], 0, _SPRITE_PX / 2 - centre[0] * scale[0]],
            [0, scale[1], _SPRITE_PX / 2 - centre[1] * scale[1]],
        ]
    )
    how = cv2.INTER_AREA if scale.max() < 1 else cv2.INTER_LINEAR
    square = cv2.warpAffine(
        image, matrix, (_SPRITE_PX, _SPRITE_PX), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    return Head(name, np.asarray(square, np.uint8), width / height, frontal)


def shared_heads(faces: Path, landmarks: cv2.FaceDetectorYN) -> list[Head]:
    """Every labelled face of 60 px and more in the folder's pictures."""
    truth = json.loads((faces / "faces.json").read_text())
    names = {picture["id"]: picture["file_name"] for picture in truth["images"]}
    images: dict[str, Image] = {}
    heads = []
    for number, face in enumerate(truth["annotations"]):
        if min(face["bbox"][2:]) < SMALLEST_SOURCE_PX or face["ignore"]:
            continue
        name = names[face["image_id"]]
        if name not in images:
            images[name] = np.asarray(cv2.imread(str(faces / name)), np.uint8)
        head = cut_head(f"{Path(name).stem}:{number}", images[name], face["bbox"], frontal=False)
        heads.append(replace(head, frontal=looks_ahead(head.picture, landmarks)))
    return heads


def looks_ahead(picture: Image, landmarks: cv2.FaceDetectorYN) -> bool:
    """Whether the nose lies between the eyes; a face that YuNet cannot place does not count as frontal."""
    landmarks.setInputSize((picture.shape[1], picture.shape[0]))
    found = landmarks.detect(picture)[1]
    if found is None:
        return False
    middle = found[:, :2] + found[:, 2:4] / 2 - _SPRITE_PX / 2
    right_eye, left_eye, nose = found[np.abs(middle).sum(axis=1).argmin(), 4:10].reshape(3, 2)
    across = float(np.hypot(*(left_eye - right_eye)))
    aside = abs(float(nose[0] - (left_eye[0] + right_eye[0]) / 2)) / max(across, 1.0)
    slant = abs(float(left_eye[1] - right_eye[1])) / max(across, 1.0)
    return aside < FRONTAL_NOSE and slant < FRONTAL_SLANT


def packaged_heads() -> list[Head]:
    """The portrait that scikit-image carries, as it is and mirrored."""
    from skimage import data

    portrait = np.ascontiguousarray(data.astronaut()[..., ::-1])  # type: ignore[no-untyped-call]
    head = cut_head("portrait", portrait, (181.5, 58.2, 88.4, 119.6), frontal=True)
    return [head, Head("mirrored", np.ascontiguousarray(head.picture[:, ::-1]), head.aspect, head.frontal)]


def turned(head: Head, yaw: float, height_px: float) -> Cut:
    """The head turned by `yaw` (radians, to its left), its face `height_px` high."""
    whole = height_px * REACH_V
    size = (max(4, round(whole * head.aspect * REACH_U / REACH_V)), max(4, round(whole)))
    how = cv2.INTER_AREA if size[1] < _SPRITE_PX else cv2.INTER_LINEAR
    masks = _masks(round(math.degrees(yaw)))
    colour = cv2.resize(_bent(head.picture, yaw), size, interpolation=how).astype(np.float32)
    alpha, face = (cv2.resize(mask, size, interpolation=how).astype(np.float32) for mask in masks)
    return Cut(colour * alpha[..., None], alpha, face)


def _bent(picture: Image, yaw: float) -> Image:
    across, down = _source_grid(yaw)
    return np.asarray(cv2.remap(picture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _source_grid(yaw: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each pixel of the turned head lies in the picture of the head from the front."""
    axis = (np.arange(_SPRITE_PX, dtype=np.float32) + 0.5) / _SPRITE_PX * 2 - 1
    share = np.clip(axis * REACH_U / RADIUS_U, -1, 1)
    angle = np.clip(np.arcsin(share) - yaw, -BACK_OF_HEAD, BACK_OF_HEAD)
    beyond = axis * REACH_U / RADIUS_U - share
    source = (np.sin(angle) + beyond) * RADIUS_U / REACH_U
    across = ((source + 1) / 2 * _SPRITE_PX - 0.5).astype(np.float32)
    down = ((axis + 1) / 2 * _SPRITE_PX - 0.5).astype(np.float32)
    return np.tile(across, (_SPRITE_PX, 1)), np.tile(down[:, None], (1, _SPRITE_PX))


@cache
def _masks(yaw_degrees: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Head (soft edge) and face (the ellipse of its box, as far as it is turned to us)."""
    axis = ((np.arange(_SPRITE_PX) + 0.5) / _SPRITE_PX * 2 - 1).astype(np.float32)
    u, v = axis[None, :] * REACH_U, axis[:, None] * REACH_V
    reach = np.sqrt((u / HEAD_U) ** 2 + ((v + HEAD_RISE) / HEAD_V) ** 2)
    head = np.clip((1.0 - reach) / 0.08, 0, 1).astype(np.float32)
    angle = np.arcsin(np.clip(u / RADIUS_U, -1, 1)) - math.radians(yaw_degrees)
    flat = np.sin(np.clip(angle, -math.pi / 2, math.pi / 2)) * RADIUS_U
    inside = (flat**2 + v**2 <= 1.0) & (np.abs(u) <= RADIUS_U) & (head > 0.5)
    return head, inside.astype(np.float32)
