"""Which boxes of two lists are the same thing: one to one, by class and overlap, the surest first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference_workers.engine.boxes import iou_xyxy

BoxXyxy = tuple[float, float, float, float]
MEETS_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Thing:
    """One box with its class; `score` is 1 for a label. Boxes of both lists are in one unit."""

    box_xyxy: BoxXyxy
    label: str
    score: float = 1.0


def pair(
    first: Sequence[Thing], second: Sequence[Thing], min_iou: float = MEETS_IOU
) -> list[tuple[int, int]]:
    """Places in both lists. Each thing of `first`, best score first, takes the best free overlap."""
    if not first or not second:
        return []
    overlaps = iou_xyxy(
        np.array([thing.box_xyxy for thing in first]), np.array([thing.box_xyxy for thing in second])
    )
    same = np.array([[a.label == b.label for b in second] for a in first])
    overlaps = np.where(same, overlaps, 0.0)
    pairs = []
    for i in sorted(range(len(first)), key=lambda i: -first[i].score):
        j = int(overlaps[i].argmax())
        if overlaps[i, j] >= min_iou:
            pairs.append((i, j))
            overlaps[:, j] = 0
    return pairs
