"""Another look at redacted pictures: YuNet of the shared test data, and OpenCV's Haar cascade."""

from pathlib import Path

import cv2
import numpy as np
import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
YUNET = SHARED / "weights" / "face" / "yunet_n_320_320.onnx"
needs_shared = pytest.mark.skipif(not YUNET.exists(), reason=f"needs the shared test data: {YUNET}")


class YuNet:
    """`faces(image, scale)` are boxes (N, 4) left, top, right, bottom in pixels of `image`."""

    def __init__(self, threshold: float = 0.6) -> None:
        self._net = cv2.FaceDetectorYN.create(str(YUNET), "", (320, 320), threshold, 0.3, 5000)

    def faces(self, image: np.ndarray, scale: float = 1) -> np.ndarray:
        looked = cv2.resize(image, None, fx=scale, fy=scale) if scale != 1 else image
        self._net.setInputSize((looked.shape[1], looked.shape[0]))
        _, found = self._net.detect(looked)
        if found is None:
            return np.zeros((0, 4))
        boxes = found[:, :4].copy()
        boxes[:, 2:] += boxes[:, :2]
        return boxes / scale


def haar_faces(image: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) of OpenCV's frontal face cascade, which the installed wheel carries."""
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    found = cascade.detectMultiScale(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), 1.1, 4)
    boxes = np.array(found, np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def mostly_in(boxes: np.ndarray, cover_xyxy: np.ndarray) -> np.ndarray:
    """Which boxes lie with more than half of their area in the cover."""
    sides = np.minimum(boxes[:, 2:], cover_xyxy[2:]) - np.maximum(boxes[:, :2], cover_xyxy[:2])
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return np.prod(np.clip(sides, 0, None), axis=1) > 0.5 * area
