"""Polygons that may become a zone."""

import math

import pytest

from apps.cameras.geometry import polygon_checked
from apps.core.errors import DomainError

SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]


def test_it_rounds_and_keeps_the_order():
    assert polygon_checked([(0.1234567, 0), (1, 0), (1, 1)]) == [[0.12346, 0.0], [1.0, 0.0], [1.0, 1.0]]


def test_it_takes_a_concave_polygon():
    concave = [*SQUARE[:2], [0.5, 0.5], *SQUARE[2:]]
    assert polygon_checked(concave) == concave


@pytest.mark.parametrize(
    "points",
    [
        None,
        "abc",
        [],
        SQUARE[:2],
        [[0.1, 0.1]] * 4,
        [[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]],
        [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]],
        [[0.1, 0.1], [1.1, 0.1], [0.9, 0.9]],
        [[0.1, 0.1], [-0.1, 0.1], [0.9, 0.9]],
        [[0.1, 0.1], [math.nan, 0.1], [0.9, 0.9]],
        [[0.1, 0.1], [True, 0.1], [0.9, 0.9]],
        [[0.1, 0.1], ["0.5", 0.1], [0.9, 0.9]],
        [[0.1, 0.1, 0.1], [0.5, 0.1], [0.9, 0.9]],
        [[math.cos(i) / 2 + 0.5, math.sin(i) / 2 + 0.5] for i in range(65)],
    ],
)
def test_it_refuses_what_is_no_polygon(points):
    with pytest.raises(DomainError) as refused:
        polygon_checked(points)
    assert refused.value.code == "invalid_polygon"
