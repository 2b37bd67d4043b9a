"""Second criterion of a leak: another detector still finds a face there. YuNet, at 1x and at 2x."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.redaction.truth import Face
from inference_workers.engine.boxes import iou_xyxy
from inference_workers.engine.frame import Image

SCORE = 0.5
SCALES = (1, 2)
# A find is a face's own when its middle lies in the face's box grown by this share of it on each side, and
# its side is within these bounds of the face's.
GROW = 0.25
LEAST_RATIO, MOST_RATIO = 0.4, 2.5
_SAME_FACE_IOU = 0.3


@dataclass(frozen=True, slots=True)
class Finds:
    """(N, 4) pixels of the picture, and scores (N,)."""

    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]


class Look(Protocol):
    def finds(self, image: Image) -> Finds: ...


class Cascade:
    """OpenCV's frontal cascade, which comes with OpenCV: a weak second look where there is no other."""

    STEP, NEIGHBOURS = 1.2, 5

    def __init__(self) -> None:
        folder = Path(cv2.data.haarcascades)  # type: ignore[attr-defined]
        self._cascade = cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_default.xml"))

    def finds(self, image: Image) -> Finds:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        large = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        found = self._cascade.detectMultiScale(large, self.STEP, self.NEIGHBOURS, minSize=(24, 24))
        boxes = np.array(found, np.float32).reshape(-1, 4) / 2
        return Finds(
            np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]), np.ones(len(boxes), np.float32)
        )


class SecondLook:
    """YuNet of the shared weights through OpenCV."""

    def __init__(self, data: Path, score: float = SCORE) -> None:
        path = data / "weights" / "face" / "yunet_n_320_320.onnx"
        self._net = cv2.FaceDetectorYN.create(str(path), "", (320, 320), score, 0.3, 5000)

    def finds(self, image: Image) -> Finds:
        """Faces at both scales; one that is found twice is listed twice."""
        found = [self._at(image, scale) for scale in SCALES]
        rows = np.concatenate(found)
        return Finds(rows[:, :4], rows[:, 4])

    def _at(self, image: Image, scale: int) -> NDArray[np.float32]:
        if scale != 1:
            image = np.asarray(
                cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8
            )
        self._net.setInputSize((image.shape[1], image.shape[0]))
        rows = self._net.detect(image)[1]
        if rows is None:
            return np.zeros((0, 5), np.float32)
        boxes = np.column_stack([rows[:, :2], rows[:, :2] + rows[:, 2:4]]) / scale
        return np.column_stack([boxes, rows[:, 14]]).astype(np.float32)


def is_found(finds: Finds, face: Face) -> bool:
    if not len(finds.boxes_xyxy):
        return False
    left, top, right, bottom = face.box_xyxy
    middle = (finds.boxes_xyxy[:, :2] + finds.boxes_xyxy[:, 2:]) / 2
    low = np.array([left - GROW * (right - left), top - GROW * (bottom - top)])
    high = np.array([right + GROW * (right - left), bottom + GROW * (bottom - top)])
    ratio = (finds.boxes_xyxy[:, 2:] - finds.boxes_xyxy[:, :2]).max(axis=1) / face.side_px
    inside = ((middle >= low) & (middle <= high)).all(axis=1)
    return bool((inside & (ratio >= LEAST_RATIO) & (ratio <= MOST_RATIO)).any())


def in_size(finds: Finds, image: Image, size_wh: tuple[int, int]) -> Finds:
    """The finds of a picture that a tool has scaled, in pixels of the original."""
    scale = np.array([size_wh[0] / image.shape[1], size_wh[1] / image.shape[0]] * 2, np.float32)
    return Finds(finds.boxes_xyxy * scale, finds.scores)


def surer(finds: Finds, score: float) -> Finds:
    return Finds(finds.boxes_xyxy[finds.scores >= score], finds.scores[finds.scores >= score])


def as_faces(finds: Finds) -> tuple[Face, ...]:
    """One face per find, the surest first; what overlaps a surer one is the same face."""
    faces: list[NDArray[np.float32]] = []
    for index in np.argsort(-finds.scores):
        box = finds.boxes_xyxy[index]
        if not faces or float(_overlap(box, faces)) < _SAME_FACE_IOU:
            faces.append(box)
    return tuple(
        Face(index, (float(box[0]), float(box[1]), float(box[2]), float(box[3])))
        for index, box in enumerate(faces)
    )


def _overlap(box: NDArray[np.float32], faces: Sequence[NDArray[np.float32]]) -> float:
    return float(iou_xyxy(box[None].astype(float), np.array(faces, dtype=float)).max())
