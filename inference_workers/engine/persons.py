"""Persons among the objects that a detector names, and where their heads are."""

import numpy as np
from numpy.typing import NDArray

PERSON_LABELS = frozenset({"person", "pedestrian", "rider", "people"})


def heads_of(persons_xyxy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heads (N, 4) estimated from whole persons: the upper quarter of a standing figure, up to the upper
    half of one that is cut off or sits (as wide as high)."""
    if not len(persons_xyxy):
        return np.zeros((0, 4))
    width = persons_xyxy[:, 2] - persons_xyxy[:, 0]
    height = persons_xyxy[:, 3] - persons_xyxy[:, 1]
    share = np.clip(0.25 + (2 - height / np.maximum(width, 1)) * 0.25, 0.25, 0.5)
    heads = persons_xyxy.copy()
    heads[:, 1] -= 0.05 * height
    heads[:, 3] = persons_xyxy[:, 1] + share * height
    return heads
