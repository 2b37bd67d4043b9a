"""Windows of model versions: what is counted once, what a shadow is compared with, when a window ends."""

from bisect import bisect_left
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_workers.contracts.comparison import LATENCY_EDGES_MS, OTHER_CLASS, SCORE_BINS, Role, Seen
from inference_workers.contracts.frames import Clock, Cost
from inference_workers.contracts.lease import Lease, ModelRef, Source, SourceKind, Stage
from inference_workers.engine.frame import Detections
from inference_workers.engine.version_sums import Sums, is_hard, match
from inference_workers.engine.version_windows import Looked, VersionBook

BASE = ModelRef("base", "picodet-s-320", "picodet", "a" * 64)
NEXT = ModelRef("next", "picodet-s-416", "picodet", "b" * 64)
OTHER = ModelRef("other", "nanodet-m-320", "nanodet", "c" * 64)
START = 1_790_000_000.0  # a multiple of five seconds


def lease(**changes) -> Lease:
    made = Lease(
        "lease-1", "cam", "Gate", "UTC", 0.0, 9e9, 1, Source(SourceKind.SYNTHETIC, "clock"),
        (Stage.DETECT,), models={"detect": BASE}, shadows={"detect": NEXT},
    )  # fmt: skip
    return replace(made, **changes)


def found(*boxes: tuple[float, ...], score: float = 0.8, label: str = "person") -> Detections:
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(count, score, np.float32),
        np.zeros(count, np.int32),
        (label,),
    )


BOX = (100.0, 100.0, 200.0, 300.0)
NEAR = (110.0, 105.0, 205.0, 300.0)
FAR = (600.0, 100.0, 700.0, 300.0)
SEVEN, THIRTY = Cost(7.0, Clock.CPU), Cost(30.0, Clock.CPU)
AT_SEVEN, AT_THIRTY = (bisect_left(LATENCY_EDGES_MS, cost.ms) for cost in (SEVEN, THIRTY))


def looked(at: float, boxes: Detections | None, model: ModelRef = BASE, **changes) -> Looked:
    return Looked(Stage.DETECT, model, round(at * 10), at, boxes, **changes)


def both(book: VersionBook, at: float, base: Detections | None, candidate: Detections | None) -> None:
    book.expect(Stage.DETECT, round(at * 10), at)
    book.served(looked(at, base, cost=SEVEN))
    book.shadowed(looked(at, candidate, NEXT, cost=THIRTY))


def runs(seen: Seen) -> dict[str, dict[int, int]]:
    """By kind how many runs are in which bucket."""
    return {
        kind: {place: count for place, count in enumerate(counts) if count}
        for kind, counts in seen.latency.items()
    }


def windows(book: VersionBook, now: float, role: Role) -> list:
    return [window for window in book.windows(now) if window.role is role]


@pytest.mark.parametrize(
    ("base", "candidate", "pairs"),
    [
        (found(BOX), found(NEAR), 1),
        (found(BOX), found(FAR), 0),
        (found(BOX), found(NEAR, label="dog"), 0),
        (found(BOX, FAR), found(FAR, NEAR), 2),
        (found(BOX), found(BOX, NEAR), 1),
        (found(), found(BOX), 0),
        (found(), found(), 0),
    ],
)
def test_boxes_are_paired_once_by_place_and_class(base, candidate, pairs) -> None:
    assert match(base, candidate) == match(candidate, base) == pairs


def test_a_frame_is_hard_when_half_of_its_finds_are_uncertain() -> None:
    assert is_hard(found(BOX, score=0.3))
    assert not is_hard(found(BOX, score=0.6))
    assert not is_hard(found(BOX, score=0.1))
    assert not is_hard(found())


def test_scores_and_classes_are_counted() -> None:
    sums = Sums(5.0)
    sums.add(START, 1, found(BOX, FAR, score=0.97))
    sums.add(START + 0.2, 2, found(BOX, score=1.0, label="dog"))
    seen = sums.take()
    assert (seen.frames, seen.detections) == (2, {"person": 2, "dog": 1})
    assert (len(seen.scores), seen.scores[-1], sum(seen.scores)) == (SCORE_BINS, 3, 3)
    assert sums.take().frames == 0


def test_a_flood_of_classes_is_bounded() -> None:
    sums = Sums(5.0)
    for number in range(150):
        sums.add(START + number, number, found(BOX, label=f"class {number}"))
    detections = sums.take().detections
    assert len(detections) == 101
    assert detections[OTHER_CLASS] == 50


def test_a_version_that_blinks_has_gaps_and_one_that_loses_has_short_tracks() -> None:
    steady, blinking, losing = Sums(5.0), Sums(5.0), Sums(5.0)
    for number in range(100):
        at = START + number / 5
        steady.add(at, number, found(BOX))
        blinking.add(at, number, found(BOX) if number % 4 else found())
        losing.add(at, number, found(BOX) if number % 25 < 6 else found())
    seen = [sums.take() for sums in (steady, blinking, losing)]
    assert [(item.tracks_started, item.track_gaps, item.tracks_short) for item in seen[:1]] == [(1, 0, 0)]
    assert seen[1].tracks_started == 1
    assert seen[1].track_gaps > 15
    assert seen[2].tracks_started == 4
    assert seen[2].tracks_short >= 3


def test_windows_lie_on_multiples_of_their_length_and_hold_each_frame_once() -> None:
    book = VersionBook(lease(shadows={}), "epoch")
    for number in range(60):
        book.served(looked(START + 1.3 + number / 5, found(BOX), cost=SEVEN))
        if number == 18:
            assert book.windows(START + 5.1) == []  # its last answers may still come
    told = book.windows(START + 12.6) + book.finish()
    spans = [(round(item.started_at - START, 3), round(item.ended_at - START, 3)) for item in told]
    assert spans == [(1.3, 5.0), (5.0, 10.0), (10.0, 13.1)]
    assert sum(item.seen.frames for item in told) == 60
    assert {item.sha256 for item in told} == {BASE.sha256}
    assert runs(told[0].seen) == {"cpu/1": {AT_SEVEN: told[0].seen.frames}}


def test_a_late_answer_counts_in_the_window_that_is_open() -> None:
    book = VersionBook(lease(shadows={}), "epoch")
    book.served(looked(START + 4.9, found(BOX)))
    assert len(windows(book, START + 8, Role.SERVING)) == 1
    book.served(looked(START + 4.8, found(BOX)))
    book.served(looked(START + 5.2, found(BOX)))
    (told,) = windows(book, START + 13, Role.SERVING)
    assert (told.started_at, told.ended_at, told.seen.frames) == (START + 5, START + 10, 2)


def test_a_shadow_is_told_beside_the_version_that_serves_on_the_same_frames() -> None:
    book = VersionBook(lease(), "epoch")
    both(book, START + 0.2, found(BOX, FAR), found(NEAR))
    both(book, START + 0.4, found(BOX), found(NEAR, FAR))
    both(book, START + 0.6, None, found(NEAR))  # nobody to compare with
    book.served(looked(START + 0.8, found(BOX)))
    book.skip(Stage.DETECT, START + 0.8)
    told = book.windows(START + 8)
    serving, shadow = sorted(told, key=lambda window: window.role)
    assert (serving.seen.frames, serving.skipped, serving.beside) == (3, 1, None)
    assert (shadow.seen.frames, shadow.skipped, shadow.sha256) == (2, 1, NEXT.sha256)
    beside = shadow.beside
    assert (beside.version_id, beside.seen.frames) == ("base", 2)
    assert (beside.matched, beside.only_base, beside.only_candidate) == (2, 1, 1)
    assert beside.seen.detections == shadow.seen.detections == {"person": 3}
    assert runs(shadow.seen) == {"cpu/1": {AT_THIRTY: 2}}
    assert runs(beside.seen) == {"cpu/1": {AT_SEVEN: 2}}  # of the same two frames
    assert runs(serving.seen) == {"cpu/1": {AT_SEVEN: 2}}


def test_runs_are_told_by_kind_and_a_shared_run_counts_once() -> None:
    sums = Sums(5.0)
    for number, cost in enumerate((Cost(7.0, Clock.WALL, 3), None, None, Cost(7.0, Clock.WALL), SEVEN)):
        sums.add(START + number, number, found(BOX), cost)
    seen = sums.take()
    assert runs(seen) == {"wall/3": {AT_SEVEN: 1}, "wall/1": {AT_SEVEN: 1}, "cpu/1": {AT_SEVEN: 1}}
    assert seen.frames == 5
    assert sums.take().latency == {}


def test_a_run_that_takes_for_ever_has_a_bucket() -> None:
    sums = Sums(5.0)
    sums.add(START, 1, found(BOX), Cost(1e6, Clock.WALL, 8))
    assert sums.take().latency["wall/8"][-1] == 1


def test_the_answers_may_come_in_either_order() -> None:
    book = VersionBook(lease(), "epoch")
    book.expect(Stage.DETECT, 7, START)
    book.shadowed(replace(looked(START, found(BOX), NEXT), seq=7))
    book.served(replace(looked(START, found(BOX)), seq=7))
    shadow = windows(book, START + 9, Role.SHADOW)[0]
    assert (shadow.seen.frames, shadow.beside.matched) == (1, 1)


def test_errors_and_skipped_frames_of_a_shadow_are_its_own() -> None:
    book = VersionBook(lease(), "epoch")
    both(book, START + 0.2, found(BOX), found(BOX))
    book.expect(Stage.DETECT, 99, START + 0.4)
    book.shadowed(Looked(Stage.DETECT, NEXT, 99, START + 0.4, None, failed=True))
    book.shadowed(Looked(Stage.DETECT, NEXT, 98, START + 0.6, None))
    shadow = windows(book, START + 9, Role.SHADOW)[0]
    assert (shadow.errors, shadow.skipped, shadow.seen.frames) == (1, 1, 1)


def test_another_version_beside_it_begins_another_window() -> None:
    book = VersionBook(lease(), "epoch")
    both(book, START + 0.2, found(BOX), found(BOX))
    book.expect(Stage.DETECT, 900, START + 2)
    book.served(Looked(Stage.DETECT, OTHER, 900, START + 2, found(BOX)))
    book.shadowed(Looked(Stage.DETECT, NEXT, 900, START + 2, found(FAR)))
    first, second = windows(book, START + 9, Role.SHADOW)
    assert [first.beside.version_id, second.beside.version_id] == ["base", "other"]
    assert (first.ended_at, second.started_at) == (START + 2, START + 2)


def test_a_shadow_that_is_withdrawn_is_told_at_once_and_counted_no_more() -> None:
    book = VersionBook(lease(), "epoch")
    both(book, START + 0.2, found(BOX), found(BOX))
    both(book, START + 1.2, found(BOX), found(BOX))
    book.update_lease(lease(shadows={}))
    book.shadowed(looked(START + 1.4, found(BOX), NEXT))
    (told,) = windows(book, START + 1.5, Role.SHADOW)
    assert (told.seen.frames, told.ended_at) == (2, START + 1.2)


TIMES = st.lists(st.floats(0, 60), min_size=1, max_size=80)


@given(TIMES, st.lists(st.booleans(), min_size=80, max_size=80))
def test_windows_of_a_version_never_overlap_whatever_order_frames_come_in(times, swaps) -> None:
    book, told = VersionBook(lease(), "epoch"), []
    for number, offset in enumerate(times):
        base = OTHER if swaps[number] else BASE
        book.expect(Stage.DETECT, number, START + offset)
        book.served(Looked(Stage.DETECT, base, number, START + offset, found(BOX)))
        book.shadowed(Looked(Stage.DETECT, NEXT, number, START + offset, found(BOX)))
        told += book.windows(START + offset)
    told += book.finish()
    for role, frames in ((Role.SERVING, len(times)), (Role.SHADOW, len(times))):
        assert sum(window.seen.frames for window in told if window.role is role) == frames
    for version in ("base", "other", "next"):
        spans = sorted((w.started_at, w.ended_at) for w in told if w.version_id == version)
        assert all(start < end for start, end in spans)
        assert all(first[1] <= second[0] for first, second in pairwise(spans))
