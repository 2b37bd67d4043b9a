"""Where a box went between two pictures: median flow (Kalal et al. 2010) over all boxes at once."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Boxes = NDArray[np.float64]

MAX_SIDE_PX = 960
GRID = 5
INSIDE = 0.8
WINDOW_PX = (15, 15)
LEVELS = 3
# A point that does not come back to where it came from was not followed.
MAX_RETURN_PX = 1.5
MAX_RETURN_SHARE = 0.08
MIN_POINTS_SHARE = 0.4
MAX_SCALE = 1.35


@dataclass(frozen=True, slots=True)
class View:
    """A grey picture to follow boxes in.

    `grey`: uint8 (h, w), at most `MAX_SIDE_PX` on the longer side; `scale`: its pixels per pixel of the film.
    """

    grey: Grey
    scale: float


def view_of(grey: Grey) -> View:
    """Reduce a grey picture (uint8, height, width) to what following needs."""
    longer = max(grey.shape)
    if longer <= MAX_SIDE_PX:
        return View(grey.copy(), 1.0)  # a view would keep the decoder's whole frame alive
    scale = MAX_SIDE_PX / longer
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    return View(np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8), scale)


def follow(before: View, after: View, boxes_xyxy: Boxes) -> tuple[Boxes, NDArray[np.bool_]]:
    """Follow boxes (N, 4), pixels of the film, from one picture to another one.

    Returns:
        the boxes there (N, 4), and which of them were really followed (N,); the others stay in place.
    """
    count = len(boxes_xyxy)
    if not count:
        return np.zeros((0, 4)), np.zeros(0, bool)
    scaled = boxes_xyxy * before.scale
    starts = _grid(scaled)
    ends, back, found = _flow(before.grey, after.grey, starts.reshape(-1, 1, 2))
    shape = (count, GRID * GRID)
    ends, back, good = ends.reshape(*shape, 2), back.reshape(*shape, 2), found.reshape(shape)
    side = np.maximum(scaled[:, 2] - scaled[:, 0], scaled[:, 3] - scaled[:, 1])
    limit = np.maximum(MAX_RETURN_PX, MAX_RETURN_SHARE * side)
    good &= np.linalg.norm(back - starts, axis=2) <= limit[:, None]
    moved = np.empty((count, 4))
    sure = np.zeros(count, bool)
    for i in range(count):
        moved[i], sure[i] = _moved(scaled[i], starts[i], ends[i], good[i])
    height, width = after.grey.shape
    inside = (moved[:, 2:] > 0).all(axis=1) & (moved[:, 0] < width) & (moved[:, 1] < height)
    return moved / before.scale, sure & inside


def _grid(boxes: Boxes) -> NDArray[np.float32]:
    """Points inside of each box, float32 (N, GRID * GRID, 2)."""
    share = np.linspace(0.5 - INSIDE / 2, 0.5 + INSIDE / 2, GRID)
    across, down = np.meshgrid(share, share)
    at = np.stack([across.ravel(), down.ravel()], axis=1)
    size = boxes[:, None, 2:] - boxes[:, None, :2]
    return np.asarray(boxes[:, None, :2] + at[None] * size, np.float32)


def _flow(
    before: Grey, after: Grey, points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Points there, the same points followed back, and which were found both ways."""
    there, found, _ = _lucas_kanade(before, after, points)
    back, again, _ = _lucas_kanade(after, before, there)
    both = (found.ravel() > 0) & (again.ravel() > 0)
    return np.asarray(there, np.float32), np.asarray(back, np.float32), both


def _lucas_kanade(before: Grey, after: Grey, points: Any) -> tuple[Any, Any, Any]:
    guess: Any = None  # OpenCV's types leave out that it may be
    return cv2.calcOpticalFlowPyrLK(before, after, points, guess, winSize=WINDOW_PX, maxLevel=LEVELS)


def _moved(
    box: NDArray[np.float64],
    starts: NDArray[np.float32],
    ends: NDArray[np.float32],
    good: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], bool]:
    """The box moved by the median of its points and scaled by the median of their distances."""
    if good.sum() < MIN_POINTS_SHARE * len(good):
        return box, False
    shift = np.median(ends[good] - starts[good], axis=0)
    scale = _scale(starts[good], ends[good])
    centre = (box[:2] + box[2:]) / 2 + shift
    half = (box[2:] - box[:2]) / 2 * scale
    return np.concatenate([centre - half, centre + half]), True


def _scale(starts: NDArray[np.float32], ends: NDArray[np.float32]) -> float:
    """Change of the distances between points, from half of all pairs."""
    order = np.arange(len(starts))
    partner = (order + len(order) // 2) % len(order)
    before = np.linalg.norm(starts - starts[partner], axis=1)
    after = np.linalg.norm(ends - ends[partner], axis=1)
    wide = before > 1e-3
    if not wide.any():
        return 1.0
    return float(np.clip(np.median(after[wide] / before[wide]), 1 / MAX_SCALE, MAX_SCALE))
