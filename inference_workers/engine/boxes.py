"""Pure functions on boxes. Layout is in the name; arrays are float32 or float64 of shape (N, 4)."""

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.floating]


def clip_xyxy(boxes_xyxy: Boxes, width: float, height: float) -> Boxes:
    """Clip left, top, right, bottom to a picture of `width` x `height` (same unit as the boxes)."""
    limits = np.array([width, height, width, height], dtype=boxes_xyxy.dtype)
    return np.clip(boxes_xyxy, 0, limits)


def grow_xyxy(boxes_xyxy: Boxes, share: float) -> Boxes:
    """Grow each box on every side by `share` of its own width and height."""
    size = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) * share
    return np.concatenate([boxes_xyxy[:, :2] - size, boxes_xyxy[:, 2:] + size], axis=1)


def area_xyxy(boxes_xyxy: Boxes) -> NDArray[np.floating]:
    """Areas, shape (N,); an inverted box has area 0."""
    size = np.clip(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 0, None)
    return np.asarray(size[:, 0] * size[:, 1])


def iou_xyxy(first_xyxy: Boxes, second_xyxy: Boxes) -> NDArray[np.floating]:
    """Intersection over union of every pair, shape (N, M); 0 where both are empty."""
    top_left = np.maximum(first_xyxy[:, None, :2], second_xyxy[None, :, :2])
    bottom_right = np.minimum(first_xyxy[:, None, 2:], second_xyxy[None, :, 2:])
    overlap = np.prod(np.clip(bottom_right - top_left, 0, None), axis=2)
    union = area_xyxy(first_xyxy)[:, None] + area_xyxy(second_xyxy)[None, :] - overlap
    return np.asarray(np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0))


def cxcywh_to_xyxy(boxes_cxcywh: Boxes) -> Boxes:
    """Centre, width, height to left, top, right, bottom."""
    half = boxes_cxcywh[:, 2:] / 2
    return np.concatenate([boxes_cxcywh[:, :2] - half, boxes_cxcywh[:, :2] + half], axis=1)
