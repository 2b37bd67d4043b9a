"""Colours of clothes: right on drawn figures, silent about what is covered, small or cut off."""

import random

import numpy as np
import pytest

from benchmarks.clothing import LIGHTS, figure, figures, scored
from inference_workers.contracts.colours import Colour
from inference_workers.contracts.lease import RedactionPolicy
from inference_workers.engine.clothing import Clothing, clothing_of
from inference_workers.engine.frame import Frame
from inference_workers.engine.redaction import mosaic_frame, redact

RED, BLUE = np.array([200.0, 20, 30]), np.array([30.0, 60, 190])
NOBODY = np.empty((0, 4), np.float32)


@pytest.fixture(scope="module")
def worn():
    """A picture of somebody in red over blue, and the box."""
    return figure(random.Random(3), (RED, BLUE), "daylight")


def _redacted(image, covers=NOBODY, masks=()):
    return redact(Frame(image, "c", "e", 1, 0.0), np.asarray(covers, np.float32), RedactionPolicy(), masks)


def test_clothes_are_named_under_every_light():
    found = scored(figures(20))
    for light in LIGHTS:
        counts = found[light]
        assert counts["right"] >= 0.9 * 40, (light, counts)
    assert sum(found[light]["wrong"] for light in LIGHTS) <= 0.04 * 240


def test_upper_and_lower_are_told_apart(worn):
    image, box = worn
    assert clothing_of(_redacted(image), box) == Clothing(Colour.RED, Colour.BLUE)


def test_what_is_covered_has_no_colour(worn):
    image, box = worn
    left, top, right, bottom = box
    waist = top + 0.5 * (bottom - top)
    assert clothing_of(_redacted(image, [(left, top, right, waist)]), box).upper is None
    height, width = image.shape[:2]
    mask = ((0.0, waist / height), (1.0, waist / height), (1.0, 1.0), (0.0, 1.0))
    assert clothing_of(_redacted(image, masks=[mask]), box) == Clothing(Colour.RED, None)
    assert clothing_of(mosaic_frame(Frame(image, "c", "e", 1, 0.0)), box) == Clothing()
    assert width > right


@pytest.mark.parametrize(
    "change", [(0, 0, 0, -400), (-500, 0, 0, 0), (0, 0, 0, 900), (0, 0, -10_000, 0), (float("nan"), 0, 0, 0)]
)
def test_a_box_that_is_small_cut_off_or_no_box_says_nothing(worn, change):
    image, box = worn
    assert clothing_of(_redacted(image), tuple(np.add(box, change))) == Clothing()
