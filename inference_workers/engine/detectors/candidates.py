"""What a decoder finds in one tensor before boxes are merged, and the merging."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_CANDIDATES = 1000
MAX_DETECTIONS = 300


@dataclass(frozen=True, slots=True)
class Candidates:
    """Attributes:
    boxes_xyxy: (N, 4), pixels of the tensor.
    scores: (N,), 0..1.
    class_ids: (N,).
    """

    boxes_xyxy: NDArray[np.floating]
    scores: NDArray[np.floating]
    class_ids: NDArray[np.integer]

    def take(self, index: NDArray[np.integer]) -> "Candidates":
        return Candidates(self.boxes_xyxy[index], self.scores[index], self.class_ids[index])

    @classmethod
    def join(cls, parts: "list[Candidates]") -> "Candidates":
        return cls(
            np.concatenate([part.boxes_xyxy for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.class_ids for part in parts]),
        )


def best_class(
    scores: NDArray[np.floating], threshold: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.floating]]:
    """Each cell of a (cells, classes) matrix speaks for its best class alone, as upstream decoders do.

    Returns cells, classes and scores above `threshold`; bounded, because a picture of noise must not cost
    seconds.
    """
    return _bounded(*_best_class(scores, threshold))


def _best_class(
    scores: NDArray[np.floating], threshold: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.floating]]:
    best = scores.max(axis=1)
    rows = np.flatnonzero(best > threshold)
    return rows, scores[rows].argmax(axis=1), best[rows]


def above(
    scores: NDArray[np.floating], threshold: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.floating]]:
    """Rows, columns and values of a matrix above `threshold`, bounded."""
    rows, columns = np.nonzero(scores > threshold)
    return _bounded(rows, columns, scores[rows, columns])


def _bounded(
    rows: NDArray[np.intp], columns: NDArray[np.intp], values: NDArray[np.floating]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.floating]]:
    if len(values) <= MAX_CANDIDATES:
        return rows, columns, values
    best = np.argpartition(-values, MAX_CANDIDATES)[:MAX_CANDIDATES]
    return rows[best], columns[best], values[best]


def merge(candidates: Candidates, iou_threshold: float) -> Candidates:
    """Non-maximum suppression per class; best first, at most MAX_DETECTIONS."""
    if not len(candidates.scores):
        return candidates
    boxes_xywh = candidates.boxes_xyxy.astype(np.float64)
    boxes_xywh[:, 2:] -= boxes_xywh[:, :2]
    kept = cv2.dnn.NMSBoxesBatched(
        boxes_xywh.tolist(),
        candidates.scores.astype(float).tolist(),
        candidates.class_ids.astype(int).tolist(),
        0.0,
        iou_threshold,
    )
    return best_first(candidates.take(np.asarray(kept, dtype=np.intp)))


def best_first(candidates: Candidates) -> Candidates:
    return candidates.take(np.argsort(-candidates.scores, kind="stable")[:MAX_DETECTIONS])
