"""Which zones a box stands in. Polygons are normalised 0..1, a box counts by the middle of its lower edge."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inference_workers.contracts.lease import Zone, ZoneKind
from inference_workers.engine.tracking import Box

Polygon = Sequence[tuple[float, float]]


def contains(polygon: Polygon, x: float, y: float) -> bool:
    """Is the point inside the polygon (even-odd rule)? Fewer than three corners contain nothing."""
    if len(polygon) < 3:
        return False
    inside = False
    x1, y1 = polygon[-1]
    for x2, y2 in polygon:
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
        x1, y1 = x2, y2
    return inside


def touches(polygon: Polygon, boxes_xyxy: NDArray[np.floating], width: int, height: int) -> NDArray[np.bool_]:
    """Which boxes (N, 4 pixels) have a point in common with the polygon, shape (N,)."""
    corners = [(float(x) * width, float(y) * height) for x, y in polygon]
    return np.array([_touches(corners, box) for box in boxes_xyxy.tolist()], bool)


def _touches(corners: Polygon, box: Sequence[float]) -> bool:
    """The box lies inside the polygon, or an edge of the polygon meets the box."""
    if contains(corners, box[0], box[1]):
        return True
    return any(_meets(corners[i - 1], corners[i], box) for i in range(len(corners)))


def _meets(first: tuple[float, float], second: tuple[float, float], box: Sequence[float]) -> bool:
    """Does the line between two points meet the box (Liang and Barsky 1984)?"""
    enters, leaves = 0.0, 1.0
    for axis in (0, 1):
        start, step = first[axis], second[axis] - first[axis]
        low, high = box[axis] - start, box[axis + 2] - start
        if step == 0:
            if low > 0 or high < 0:
                return False
            continue
        near, far = sorted((low / step, high / step))
        enters, leaves = max(enters, near), min(leaves, far)
    return enters <= leaves


def stands_in(polygon: Polygon, box_xyxy: Box | Sequence[float], width: int = 1, height: int = 1) -> bool:
    """Does the box stand in the polygon? It is in pixels of a picture of this size, or else normalised."""
    return contains(polygon, *_foot(box_xyxy, width, height))


class ZoneMap:
    """The zones of one lease."""

    def __init__(self, zones: Sequence[Zone]) -> None:
        self._watch = [zone for zone in zones if zone.kind == ZoneKind.WATCH]
        self._ignore = [zone.polygon for zone in zones if zone.kind == ZoneKind.IGNORE]
        self._detected = [zone for zone in zones if zone.detector is not None]
        self.masks = tuple(zone.polygon for zone in zones if zone.kind == ZoneKind.PRIVACY_MASK)

    def ignores(self, box_xyxy: Box, width: int, height: int) -> bool:
        """Does the box (pixels) stand in a zone whose objects are to be left out?"""
        x, y = _foot(box_xyxy, width, height)
        return any(contains(polygon, x, y) for polygon in self._ignore)

    def detected_in(self, box_xyxy: Box | Sequence[float], width: int = 1, height: int = 1) -> str:
        """Id of the zone with a detector of its own in which the box stands; empty where none is.

        The box is in pixels of a picture of this size, or without a size normalised.
        """
        if not self._detected:
            return ""
        x, y = _foot(box_xyxy, width, height)
        return next((zone.zone_id for zone in self._detected if contains(zone.polygon, x, y)), "")

    def watched_by(self, box_xyxy: Box, width: int, height: int) -> list[str]:
        """Ids of the watch zones in which the box (pixels) stands."""
        x, y = _foot(box_xyxy, width, height)
        return [zone.zone_id for zone in self._watch if contains(zone.polygon, x, y)]


def _foot(box_xyxy: Box | Sequence[float], width: int, height: int) -> tuple[float, float]:
    """Just inside the picture: a box that touches the lower edge stands in a zone that reaches it."""
    x = float(box_xyxy[0] + box_xyxy[2]) / 2 / width
    y = float(box_xyxy[3]) / height
    return min(max(x, 1e-6), 1 - 1e-6), min(max(y, 1e-6), 1 - 1e-6)
