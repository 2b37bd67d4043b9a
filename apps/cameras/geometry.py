"""Polygons on a picture: shares of its width and height, checked before they become a zone or a mask."""

import math
from collections.abc import Sequence
from itertools import combinations

from django.utils.translation import gettext as _

from apps.core.errors import DomainError

Point = tuple[float, float]

MIN_POINTS = 3
MAX_POINTS = 64
MIN_AREA = 1e-5  # a third of a 10 by 10 pixel square in a 1280x720 picture
_DIGITS = 5


def polygon_checked(points: object) -> list[list[float]]:
    """The polygon rounded to five digits. Raises DomainError("invalid_polygon") with a sentence."""
    if not isinstance(points, Sequence) or isinstance(points, (str, bytes)):
        raise _invalid(_("A polygon is a list of points [x, y]."))
    if not MIN_POINTS <= len(points) <= MAX_POINTS:
        raise _invalid(
            _("A polygon has %(least)d to %(most)d points, this one has %(count)d.")
            % {"least": MIN_POINTS, "most": MAX_POINTS, "count": len(points)}
        )
    corners = [_point(point) for point in points]
    if len(set(corners)) != len(corners):
        raise _invalid(_("Two points of the polygon are the same."))
    if _area(corners) < MIN_AREA:
        raise _invalid(_("The polygon is too small."))
    if _crosses_itself(corners):
        raise _invalid(_("The sides of the polygon cross each other."))
    return [list(corner) for corner in corners]


def _point(value: object) -> Point:
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)) or len(value) != 2:
        raise _invalid(_("A point of a polygon is a pair [x, y]."))
    x, y = value
    if not (_is_share(x) and _is_share(y)):
        raise _invalid(_("The coordinates of a point lie between 0 and 1."))
    return round(float(x), _DIGITS), round(float(y), _DIGITS)


def _is_share(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and 0 <= value <= 1


def _area(corners: list[Point]) -> float:
    following = corners[1:] + corners[:1]
    doubled = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(corners, following, strict=True))
    return abs(doubled) / 2


def _crosses_itself(corners: list[Point]) -> bool:
    count = len(corners)
    sides = [(corners[i], corners[(i + 1) % count]) for i in range(count)]
    return any(
        _cross(*sides[i], *sides[j])
        for i, j in combinations(range(count), 2)
        if j - i > 1 and (i, j) != (0, count - 1)
    )


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _invalid(sentence: str) -> DomainError:
    return DomainError("invalid_polygon", sentence)
