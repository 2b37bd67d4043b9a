"""People by histograms of oriented gradients (Dalal and Triggs 2005), built into OpenCV: low recall."""

import hashlib
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_workers.engine.detectors.base import check_image, to_detections
from inference_workers.engine.detectors.candidates import Candidates, merge
from inference_workers.engine.frame import Detections, Image
from inference_workers.engine.preprocess import Resize, place

# Measured on 14 frames of a yard seen from above (66 persons of 75 to 90 px in 768x576): recall 0.76 at
# 1280x720 and scale 1.05, 0.53 at scale 1.25 in a sixth of the time; at 640x360 nothing was found.
INPUT_SIZE = (1280, 720)
SCALE = 1.2
STEP_PX = (8, 8)
WINDOW_PX = (64, 128)
SCORE = 0.55
NMS = 0.4
# The built-in window leaves a margin around the person: what is drawn is the person.
MARGIN_X, MARGIN_Y = 0.18, 0.07


def coefficients_sha256() -> str:
    """Identity of the built-in weights."""
    return hashlib.sha256(_coefficients().tobytes()).hexdigest()


def _coefficients() -> NDArray[np.float32]:
    return np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector(), dtype=np.float32)


class HogPeople:
    """Stateless; about 100 ms on one core, whatever the size of the picture."""

    classes: tuple[str, ...] = ("person",)

    def __init__(self, score: float = SCORE) -> None:
        self._score = score
        self._descriptor = cv2.HOGDescriptor()
        self._descriptor.setSVMDetector(_coefficients())

    in_thread = False  # OpenCV has threads of its own

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        return [self._detect_one(image) for image in images]

    def _detect_one(self, image: Image) -> Detections:
        check_image(image)
        where = place(image.shape[1], image.shape[0], INPUT_SIZE, Resize.LETTERBOX)
        small = cv2.resize(image, where.inner, interpolation=cv2.INTER_AREA)
        if small.shape[1] < WINDOW_PX[0] or small.shape[0] < WINDOW_PX[1]:
            return Detections.empty(self.classes)
        boxes, weights = self._descriptor.detectMultiScale(
            small, winStride=STEP_PX, scale=SCALE, hitThreshold=0.0
        )
        if not len(boxes):
            return Detections.empty(self.classes)
        return to_detections(self._candidates(boxes, weights), where, self.classes)

    def _candidates(self, boxes: object, weights: object) -> Candidates:
        boxes_xywh = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
        # The SVM's margin is no probability; a logistic curve gives it the range of the others.
        scores = 1 / (1 + np.exp(-np.asarray(weights, dtype=np.float64).reshape(-1)))
        inset = boxes_xywh[:, 2:] * (MARGIN_X, MARGIN_Y)
        corner = boxes_xywh[:, :2] + boxes_xywh[:, 2:]
        boxes_xyxy = np.concatenate([boxes_xywh[:, :2] + inset, corner - inset], axis=1)
        kept = np.flatnonzero(scores > self._score)
        found = Candidates(boxes_xyxy, scores, np.zeros(len(scores), np.int64)).take(kept)
        return merge(found, NMS)
