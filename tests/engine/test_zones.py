"""Zones: by the middle of the lower edge of a box."""

import numpy as np
import pytest

from inference_workers.contracts.lease import Zone, ZoneKind
from inference_workers.engine.zones import ZoneMap, contains

LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
HOOK = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.8, 1.0), (0.8, 0.2), (0.0, 0.2))


@pytest.mark.parametrize(
    ("polygon", "point", "inside"),
    [
        (LEFT_HALF, (0.25, 0.5), True),
        (LEFT_HALF, (0.75, 0.5), False),
        (HOOK, (0.5, 0.1), True),
        (HOOK, (0.5, 0.5), False),
        (HOOK, (0.9, 0.9), True),
        (((0.0, 0.0), (1.0, 1.0)), (0.5, 0.5), False),
        ((), (0.5, 0.5), False),
    ],
)
def test_points_in_polygons(polygon, point, inside):
    assert contains(polygon, *point) is inside


def test_kinds_do_their_own_work_only():
    zones = ZoneMap(
        [
            Zone("watch", "door", ZoneKind.WATCH, LEFT_HALF),
            Zone("ignore", "street", ZoneKind.IGNORE, ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))),
            Zone("mask", "window", ZoneKind.PRIVACY_MASK, HOOK),
        ]
    )
    left, right = np.array([10, 10, 30, 100.0]), np.array([70, 10, 90, 100.0])
    assert zones.watched_by(left, 100, 100) == ["watch"]
    assert not zones.ignores(left, 100, 100)
    assert zones.watched_by(right, 100, 100) == []
    assert zones.ignores(right, 100, 100)
    assert zones.masks == (HOOK,)


def test_a_box_that_touches_the_lower_edge_stands_in_the_zone():
    zones = ZoneMap([Zone("watch", "door", ZoneKind.WATCH, LEFT_HALF)])
    assert zones.watched_by(np.array([0, 10, 10, 130.0]), 100, 100) == ["watch"]
