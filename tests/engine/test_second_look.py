"""The second look: bare faces are leaks, covers are not, and one face is one find."""

import numpy as np
import pytest
import skimage.data

from inference_workers.contracts.lease import RedactionPolicy, RedactionStyle
from inference_workers.engine.backends import BackendOptions
from inference_workers.engine.builtin_models import BUILTINS
from inference_workers.engine.frame import Detections, Frame
from inference_workers.engine.redaction import redact
from inference_workers.engine.second_look import (
    AgreeingLooker,
    CascadeLooker,
    ModelLooker,
    find_leaks,
    second_look,
)

FACE = np.array([[181.5, 58.2, 269.9, 177.8]])
NOWHERE = np.zeros((0, 4))


class Fixed:
    """Finds the same faces in every picture: boxes with scores."""

    name = "fixed"

    def __init__(self, *found):
        self._found = found

    def look(self, image):
        boxes = np.array([box for box, _ in self._found], np.float32).reshape(-1, 4)
        scores = np.array([score for _, score in self._found], np.float32)
        return Detections(boxes, scores, np.zeros(len(scores), np.int32), ("face",))


def _grey():
    return np.full((200, 320, 3), 127, np.uint8)


def _astronaut():
    return Frame(np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1]), "c", "e", 1, 1.0)


@pytest.fixture(scope="module")
def centerface():
    detector = BUILTINS["centerface"].open(None, BackendOptions(), None)
    return ModelLooker(detector, "centerface", 0.5)


@pytest.mark.parametrize(
    ("covers", "on_cover"),
    [
        (NOWHERE, False),
        ([[90, 40, 160, 110]], True),  # around the find
        ([[100, 50, 124, 100]], False),  # 48 % of it
        ([[100, 50, 126, 100]], True),  # 52 % of it
        ([[100, 50, 120, 100], [120, 50, 150, 100]], True),  # two covers side by side
        ([[200, 50, 260, 110]], False),  # elsewhere
    ],
)
def test_a_find_is_a_leak_where_most_of_it_is_bare(covers, on_cover):
    looker = Fixed(([100, 50, 150, 100], 0.9))
    [found] = find_leaks(_grey(), np.array(covers, np.float64).reshape(-1, 4), [looker])
    assert found.on_cover is on_cover


def test_a_mask_hides_as_a_cover_does():
    mask = ((0.25, 0.2), (0.5, 0.2), (0.5, 0.6), (0.25, 0.6))
    [found] = find_leaks(_grey(), NOWHERE, [Fixed(([100, 50, 150, 100], 0.9))], [mask])
    assert found.on_cover


def test_one_face_that_two_lookers_found_is_one_find_and_leaks_come_first():
    first = Fixed(([100, 50, 150, 100], 0.9), ([10, 10, 40, 40], 0.6))
    second = Fixed(([104, 52, 152, 104], 0.7), ([110, 60, 140, 90], 0.95))
    found = find_leaks(_grey(), np.array([[0, 0, 60, 60.0]]), [first, second])
    assert [(leak.on_cover, round(leak.score, 2)) for leak in found] == [(False, 0.95), (True, 0.6)]


def test_specks_are_no_faces():
    assert find_leaks(_grey(), NOWHERE, [Fixed(([100, 50, 111, 90], 0.9))]) == []


def test_a_bare_face_is_found_and_a_covered_one_is_not(centerface):
    lookers = [centerface, CascadeLooker()]
    bare = second_look(redact(_astronaut(), NOWHERE, RedactionPolicy()), lookers)
    assert [leak.on_cover for leak in bare].count(False) == 1
    for style in RedactionStyle:
        covered = second_look(redact(_astronaut(), FACE, RedactionPolicy(style=style)), lookers)
        assert [leak for leak in covered if not leak.on_cover] == []


def test_a_cover_beside_the_face_is_a_leak(centerface):
    beside = np.add(FACE, [120, 0, 120, 0])
    found = second_look(redact(_astronaut(), beside, RedactionPolicy()), [centerface])
    assert [leak.on_cover for leak in found] == [False]
    assert found[0].hidden_share < 0.5


def test_what_one_of_two_sees_alone_is_not_counted():
    both, alone = ([100, 50, 150, 100], 0.3), ([10, 10, 60, 60], 0.3)
    agreeing = AgreeingLooker(Fixed(both, alone), Fixed(([104, 54, 152, 104], 0.5), ([200, 9, 260, 70], 0.5)))
    assert agreeing.look(_grey()).boxes_xyxy.tolist() == [both[0]]
    assert len(AgreeingLooker(Fixed(both), Fixed()).look(_grey())) == 0


def test_a_larger_look_tells_boxes_of_the_picture(centerface):
    twice = ModelLooker(centerface._detector, "centerface", 0.5, scale=1.5)
    image = _astronaut().image
    (box,), (scaled,) = centerface.look(image).boxes_xyxy, twice.look(image).boxes_xyxy
    assert np.abs(box - scaled).max() < 12
    assert twice.name == "centerface 1.5x"
