"""From looks to tracks to covers: what is followed, joined, cut, held, and grown."""

import itertools
from fractions import Fraction

import cv2
import numpy as np
import pytest

from inference_workers.engine.boxes import iou_xyxy
from inference_workers.engine.films.following import follow, view_of
from inference_workers.engine.films.probing import plan_segments
from inference_workers.engine.films.stitching import stitch
from inference_workers.engine.films.strands import FollowRules, Look, doubtful, link
from inference_workers.engine.films.tracks import Track, covers_between

GROUND = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (240, 320), np.uint8), (0, 0), 1.5)
FACE = np.random.default_rng(2).integers(0, 255, (10, 10), np.uint8).repeat(3, 0).repeat(3, 1)


def grey(left: int, top: int) -> np.ndarray:
    image = GROUND.copy()
    image[top : top + 30, left : left + 30] = FACE
    return image


def box(left: float, top: float = 100, side: float = 30) -> np.ndarray:
    return np.array([left, top, left + side, top + side], np.float64)


def look(at_s: float, left: int, *, found: bool = True, scene: int = 0, score: float = 0.9) -> Look:
    rows = np.array([[*box(left), score]]) if found else np.zeros((0, 5))
    return Look(at_s, scene, view_of(grey(left, 100)), rows)


def segment(*strands: list, cuts: tuple[float, ...] = ()) -> dict:
    return {"strands": {"face": list(strands)}, "cuts": list(cuts), "frames": 1, "looks": []}


def row(at_s: float, left: float, how: str = "s") -> list:
    return [at_s, *box(left).tolist(), 0.9 if how == "s" else 0.0, how]


def test_a_box_is_followed_to_where_its_pixels_went() -> None:
    moved, sure = follow(view_of(grey(100, 100)), view_of(grey(109, 94)), box(100)[None])
    assert sure.tolist() == [True]
    np.testing.assert_allclose(moved[0], box(109, 94), atol=0.5)


def test_a_box_whose_pixels_are_gone_is_not_followed() -> None:
    _, sure = follow(view_of(grey(100, 100)), view_of(255 - GROUND), box(100)[None])
    assert sure.tolist() == [False]


def test_a_large_picture_is_followed_in_a_small_copy() -> None:
    before, after = (cv2.resize(grey(left, 100), None, fx=8, fy=8) for left in (100, 104))
    moved, sure = follow(view_of(before), view_of(after), box(100)[None] * 8)
    assert sure.tolist() == [True]
    np.testing.assert_allclose(moved[0], box(104) * 8, atol=4)


def test_looks_without_a_find_are_bridged_and_the_beginning_is_filled() -> None:
    looks = [look(k / 5, 100 + 4 * k, found=k in (3, 6)) for k in range(9)]
    (strand,) = link(looks, FollowRules(before_s=0.5, after_s=0.5))
    assert "".join(strand.how) == "ffsffsff"
    for at_s, where in zip(strand.at_s, strand.boxes_xyxy, strict=True):
        assert iou_xyxy(where[None], box(100 + 20 * at_s)[None])[0, 0] > 0.8


def test_nothing_is_connected_across_a_cut() -> None:
    looks = [look(0.0, 100), look(0.2, 104), look(0.4, 104, scene=1), look(0.6, 108, scene=1)]
    assert [strand.at_s for strand in link(looks, FollowRules())] == [[0.0, 0.2], [0.4, 0.6]]


def test_a_face_that_is_lost_on_the_way_asks_for_a_look_in_between() -> None:
    jump = [look(0.0, 100), look(0.2, 200)]
    assert doubtful(jump, (320, 240)) == [0]
    assert doubtful([look(0.0, 100), look(0.2, 105)], (320, 240)) == []
    assert doubtful([look(0.0, 100, score=0.25), look(0.2, 200, score=0.25)], (320, 240)) == []
    assert doubtful([jump[0], look(0.2, 200, scene=1)], (320, 240)) == []


def test_the_border_frame_joins_the_strands_of_two_segments() -> None:
    first = segment([row(0.0, 10), row(0.2, 20)])
    second = segment([row(0.2, 20), row(0.4, 30)], [row(0.2, 200), row(0.4, 200)])
    tracks = stitch([first, second]).tracks
    assert [(track.track_id, len(track.points)) for track in tracks] == [("face-1", 3), ("face-2", 2)]


@pytest.mark.parametrize(
    ("left", "cuts", "count"),
    [(130, (), 1), (110, (), 1), (250, (), 2), (130, (0.5,), 2)],
    ids=["goes on as it moved", "stands still", "elsewhere", "another scene"],
)
def test_a_track_that_begins_where_another_was_lost_is_the_same(left, cuts, count) -> None:
    before = [row(0.0, 90), row(0.2, 100)]
    after = [row(0.8, left), row(1.0, left + 10)]
    assert len(stitch([segment(before, after, cuts=cuts)]).tracks) == count


def track(*rows: list, kind: str = "face", **changes: object) -> Track:
    points = [(r[0], r[1], r[2], r[3], r[4], r[5]) for r in rows]
    return Track("face-1", kind, points, [r[6] for r in rows], **changes)


def covered(found: Track, at_s: float, start_s: float = -1.0, end_s: float = 100.0) -> np.ndarray | None:
    cover = covers_between(found, start_s, end_s)
    return None if cover is None else cover.box_at(at_s)


def holds(outer: np.ndarray | None, inner: np.ndarray) -> bool:
    return outer is not None and bool((outer[:2] <= inner[:2]).all() and (outer[2:] >= inner[2:]).all())


def test_a_cover_holds_the_face_between_two_points_and_around_them() -> None:
    walk = track(row(1.0, 100), row(1.2, 120))
    for at_s in (0.7, 1.0, 1.05, 1.1, 1.2, 1.5):
        assert holds(covered(walk, at_s), box(100 + 100 * (min(max(at_s, 0.6), 1.6) - 1.0)))
    assert covered(walk, 0.4) is None
    assert covered(walk, 1.9) is None


def test_who_runs_out_of_sight_is_covered_where_he_runs() -> None:
    run = track(row(1.0, 100), row(1.1, 160))
    assert holds(covered(run, 1.2), box(220))
    assert not holds(covered(run, 1.2), box(160))


def test_covers_end_at_a_cut() -> None:
    still = track(row(1.0, 100), row(1.2, 100), scene_s=(0.9, 1.3))
    assert covered(still, 0.85) is None
    assert covered(still, 0.95) is not None
    assert covered(still, 1.31) is None


def test_a_tight_box_takes_the_size_of_its_neighbours() -> None:
    tight = [1.2, 110.0, 110.0, 132.0, 132.0, 0.9, "s"]
    found = covered(track(row(1.0, 100), tight, row(1.4, 100)), 1.2)
    assert found is not None
    assert (found[2:] - found[:2] >= 29).all()


def test_a_segment_holds_what_it_needs_and_no_more() -> None:
    walk = track(*(row(k / 5, 100 + k) for k in range(100)))
    part = covers_between(walk, 4.0, 6.0)
    assert part is not None
    assert len(part.points) < 16
    for at_s in (4.0, 4.11, 5.99):
        np.testing.assert_allclose(part.box_at(at_s), covered(walk, at_s))
    assert covers_between(walk, 30.0, 32.0) is None


def test_segments_share_all_frames_among_them() -> None:
    stamps = np.arange(0, 90 * 25, dtype=np.int64) * 512
    segments = plan_segments(stamps, stamps[::250], Fraction(1, 12_800), 1280 * 720 * 25)
    assert sum(found.frames for found in segments) == len(stamps)
    assert all(one.end_pts == two.start_pts for one, two in itertools.pairwise(segments))
    assert {found.start_pts % (512 * 250) for found in segments[1:]} == {0}
    assert len(plan_segments(stamps, stamps[:1], Fraction(1, 12_800), 3840 * 2160 * 25)) > len(segments)
