"""Tracking and covers: association, interpolation, and covers that do not blink."""

import numpy as np
import pytest

from inference_workers.engine.boxes import grow_xyxy
from inference_workers.engine.coverage import FACE_COVERS
from inference_workers.engine.covers import CoverRules, CoverTracker
from inference_workers.engine.display import LookRules
from inference_workers.engine.frame import Detections
from inference_workers.engine.persons import heads_of
from inference_workers.engine.tracking import BoxTracker

SIZE = (640, 360)


def _found(*boxes, score=0.9, label="face"):
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(count, score, np.float32),
        np.zeros(count, np.int32),
        (label,),
    )


def _box(left, top=100, side=40):
    return (left, top, left + side, top + side)


def _covers(box, boxes):
    """Is the box wholly inside one of the boxes?"""
    return any(
        cover[0] <= box[0] and cover[1] <= box[1] and cover[2] >= box[2] and cover[3] >= box[3]
        for cover in boxes
    )


def test_a_track_begins_with_its_first_sighting():
    tracker = BoxTracker()
    for look in range(4):
        seen, loose = tracker.update(look * 0.2, look, _found(_box(100 + 8 * look)))
        assert (len(seen), len(loose)) == ((0, 1) if look == 0 else (1, 0))
    (track,) = seen
    assert (track.hits, track.first_at) == (4, 0.0)
    assert [item.seq for item in track.sightings] == [0, 1, 2, 3]


def test_two_things_keep_their_numbers_when_they_change_order():
    tracker = BoxTracker()
    numbers = set()
    for look in range(6):
        pair = [_box(100 + 8 * look), _box(400 - 8 * look, 220)]
        seen, _ = tracker.update(look * 0.2, look, _found(*(pair if look % 2 else pair[::-1])))
        numbers |= {(track.track_id, bool(track.last.box_xyxy[1] > 200)) for track in seen}
    assert len(numbers) == 2


@pytest.mark.parametrize("steps", [(0.1, 0.1, 0.1, 0.1), (0.05, 0.6, 0.2, 1.1)])
def test_the_interval_between_looks_may_vary(steps):
    tracker = BoxTracker(keep_s=3.0)
    at, seen = 0.0, []
    for look, step in enumerate((0.0, *steps)):
        at += step
        seen, _ = tracker.update(at, look, _found(_box(100 + 30 * at)))
    assert [track.hits for track in seen] == [5]


def test_a_late_look_is_associated_with_nothing_and_warns_nobody():
    tracker = BoxTracker()
    tracker.update(1.0, 5, _found(_box(100)))
    seen, loose = tracker.update(0.5, 2, _found(_box(100)))
    assert (seen, len(loose)) == ([], 1)


def test_what_stands_still_is_taken_up_again_after_a_long_gap():
    tracker = BoxTracker(keep_s=2.0)
    for look in range(3):
        seen, _ = tracker.update(look * 0.2, look, _found(_box(100)))
    number = seen[0].track_id
    for look in range(3, 40):
        tracker.update(look * 0.2, look, _found())
    tracker.update(8.2, 41, _found(_box(102)))
    seen, _ = tracker.update(8.4, 42, _found(_box(102)))
    assert [track.track_id for track in seen] == [number]


def test_a_closed_track_is_never_extended():
    tracker = BoxTracker()
    for look in range(3):
        seen, _ = tracker.update(look * 0.2, look, _found(_box(100)))
    seen[0].closed = True
    again, _ = tracker.update(0.6, 3, _found(_box(100)))
    assert again[0].track_id != seen[0].track_id


def test_numbers_are_not_used_again_after_a_reset():
    tracker = BoxTracker()
    numbers = []
    for run in range(2):
        for look in range(3):
            seen, _ = tracker.update(look * 0.2, look, _found(_box(100)))
        numbers.append(seen[0].track_id)
        tracker.reset()
        assert run in (0, 1)
    assert len(set(numbers)) == 2


def test_instances_share_nothing():
    first, second = BoxTracker(), BoxTracker()
    for look in range(3):
        first.update(look * 0.2, look, _found(_box(100)))
    _, loose = second.update(0.6, 3, _found(_box(100)))
    assert len(loose) == 1


def test_boxes_between_sightings_lie_between_them():
    tracker = BoxTracker()
    for look in range(3):
        seen, _ = tracker.update(look * 0.2, look, _found(_box(100 + 20 * look)))
    assert seen[0].box_at(0.3) == pytest.approx(_box(130))
    assert seen[0].box_at(0.5)[0] == pytest.approx(150)


def test_nonsense_is_no_sighting():
    tracker = BoxTracker(min_score=0.3)
    found = Detections(
        np.array([[50, 10, 20, 60], _box(100), _box(200)], np.float32),
        np.array([0.9, 0.1, 0.9], np.float32),
        np.zeros(3, np.int32),
        ("face",),
    )
    _, loose = tracker.update(0.0, 0, found)
    assert [item.box_xyxy[0] for item in loose] == [200]


# --- covers


def test_a_single_detection_covers_at_once_before_and_after():
    covers = CoverTracker(CoverRules())
    covers.add(10.0, 100, _found(_box(100), score=0.21))
    for at in (9.1, 9.6, 10.0, 10.7, 11.49):
        assert _covers(_box(100), covers.boxes_at(at, *SIZE)), at
    assert not len(covers.boxes_at(8.9, *SIZE))
    assert not len(covers.boxes_at(11.6, *SIZE))


def test_a_blinking_detector_does_not_uncover():
    covers = CoverTracker(CoverRules())
    for look in range(30):
        left = 50 + 6 * look
        covers.add(look * 0.2, look, _found(_box(left)) if look % 6 == 0 else _found())
    for at in np.arange(0, 4.8, 0.04):
        truth = _box(50 + 30 * at)
        assert _covers(truth, grow_xyxy(covers.boxes_at(at, *SIZE), 0.25)), at


def test_the_gap_between_two_sightings_is_covered_on_the_way():
    covers = CoverTracker(CoverRules())
    for look in range(4):
        covers.add(look * 0.2, look, _found(_box(100 + 24 * look)))
    for at in np.arange(0, 0.6, 0.02):
        assert _covers(_box(100 + 120 * at), covers.boxes_at(at, *SIZE)), at


def test_covers_grow_with_the_distance_in_time():
    covers = CoverTracker(CoverRules())
    covers.add(10.0, 0, _found(_box(300)))
    widths = [np.ptp(covers.boxes_at(at, *SIZE)[0][[0, 2]]) for at in (10.0, 10.2, 10.6, 11.4)]
    assert widths == sorted(widths)
    assert widths[0] == pytest.approx(40)
    assert widths[-1] == pytest.approx(40 * 2.5)


@pytest.mark.parametrize("every_s", [0.4, 0.6])
def test_who_walks_between_two_rare_looks_stays_covered(every_s):
    """Eight and a half widths a second: no two sightings overlap, so that each is covered for itself."""
    covers = CoverTracker(FACE_COVERS)
    width, looks = 10, 5
    speed = 8.5 * width
    for look in range(looks):
        covers.add(look * every_s, look, _found(_box(20 + speed * look * every_s, side=width)))
    for at in np.arange(0, (looks - 1) * every_s, 0.02):
        near = min(abs(at - look * every_s) for look in range(looks))
        if near < LookRules().near_s * 0.7:
            assert _covers(_box(20 + speed * at, side=width), covers.boxes_at(at, *SIZE)), at


def test_frequent_looks_keep_covers_small():
    covers = CoverTracker(FACE_COVERS)
    for look in range(5):
        covers.add(look * 0.2, look, _found(_box(300)) if look == 2 else _found())
    assert np.ptp(covers.boxes_at(0.5, *SIZE)[0][[0, 2]]) == pytest.approx(40 * 1.3)


def test_a_cut_connects_nothing_but_uncovers_nothing():
    covers = CoverTracker(CoverRules())
    covers.add(10.0, 0, _found(_box(100)))
    covers.cut()
    covers.add(10.2, 1, _found(_box(110)))
    assert _covers(_box(100), covers.boxes_at(10.1, *SIZE))
    assert _covers(_box(110), covers.boxes_at(10.1, *SIZE))
    assert covers.boxes_at(10.1, *SIZE)[0] != pytest.approx(_box(105))


def test_covers_that_left_the_picture_are_no_boxes():
    covers = CoverTracker(CoverRules())
    for look in range(4):
        covers.add(look * 0.2, look, _found(_box(560 + 25 * look)))
    boxes = covers.boxes_at(1.6, *SIZE)
    assert (boxes[:, 2] > boxes[:, 0]).all()
    assert (boxes <= [640, 360, 640, 360]).all()


def test_covers_inside_of_others_are_left_out():
    covers = CoverTracker(CoverRules())
    covers.add(
        10.0, 0, _found(_box(100, side=80), (110, 110, 130, 130), (300, 10, 340, 50), (300, 10, 340, 50))
    )
    lefts = sorted(box[0] for box in covers.boxes_at(10.0, *SIZE))
    assert lefts == [100, 300]


def test_old_sightings_are_forgotten():
    covers = CoverTracker(CoverRules())
    covers.add(10.0, 0, _found(_box(100)))
    covers.forget_before(11.4)
    assert len(covers.boxes_at(10.0, *SIZE)) == 1
    covers.forget_before(11.6)
    assert len(covers.boxes_at(10.0, *SIZE)) == 0


def test_heads_are_the_upper_part_of_a_person():
    standing, sitting = heads_of(np.array([[100, 100, 140, 220], [300, 100, 400, 200.0]]))
    assert standing == pytest.approx([100, 94, 140, 130])
    assert sitting == pytest.approx([300, 95, 400, 150])
    assert heads_of(np.zeros((0, 4))).shape == (0, 4)
