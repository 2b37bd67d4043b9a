"""When a guard is clear, holds, or is passed; and that nothing but a hold follows from what is missing."""

import random
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace

import pytest

from apps.rollouts import figures
from apps.rollouts.guards import (
    DEFAULT_GUARDS,
    FURTHER_GUARDS,
    SHADOW_GUARDS,
    Compared,
    Guard,
    Metric,
    Tally,
    Verdict,
    judge,
    read,
)
from inference_workers.contracts.comparison import LATENCY_BUCKETS, LATENCY_EDGES_MS

pytestmark = pytest.mark.database_neutral


def histogram(size: int, **counts: int) -> tuple[int, ...]:
    return tuple(counts.get(f"b{index}", 0) for index in range(size))


GOOD = Tally(
    frames=150,
    latency={"cpu/1": histogram(80, b30=150)},
    detections={"person": 300, "car": 60},
    scores=histogram(20, b12=180, b14=180),
    tracks=40,
    breaks=4,
    judged=50,
    wrong=2,
    looked_at=100,
    leaky=0,
)
SAME = Compared(GOOD, GOOD, matched=360)

WORSE = {
    Metric.LATENCY: replace(SAME, candidate=replace(GOOD, latency={"cpu/1": histogram(80, b37=150)})),
    Metric.ERRORS: replace(SAME, candidate=replace(GOOD, errors=10)),
    Metric.FEWER: replace(SAME, candidate=replace(GOOD, detections={"person": 100, "car": 20})),
    Metric.MORE: replace(SAME, candidate=replace(GOOD, detections={"person": 900, "car": 60})),
    Metric.CLASS_LOST: replace(
        SAME,
        base=replace(GOOD, detections={"person": 200, "car": 160}),
        candidate=replace(GOOD, detections={"person": 340}),
    ),
    Metric.LOWER: replace(SAME, candidate=replace(GOOD, scores=histogram(20, b8=180, b14=180))),
    Metric.KS: replace(SAME, candidate=replace(GOOD, scores=histogram(20, b18=360))),
    Metric.PSI: replace(SAME, candidate=replace(GOOD, scores=histogram(20, b18=360))),
    Metric.DISAGREEMENT: replace(SAME, matched=30, only_base=330, only_candidate=330),
    Metric.FRAGMENTATION: replace(SAME, candidate=replace(GOOD, breaks=30)),
    Metric.HARD: replace(SAME, candidate=replace(GOOD, hard_frames=100)),
    Metric.WRONG: replace(SAME, candidate=replace(GOOD, wrong=30)),
    Metric.LEAKS: replace(SAME, candidate=replace(GOOD, leaky=20)),
}
ALL = {guard.metric: guard for guard in (*DEFAULT_GUARDS, *FURTHER_GUARDS)}


@pytest.mark.parametrize("metric", list(Metric))
def test_two_equal_versions_are_clear(metric):
    look = read(ALL[metric], SAME)
    assert (look.verdict, look.breaches) == (Verdict.CLEAR, 0)


@pytest.mark.parametrize("metric", list(Metric))
def test_harm_passes_its_guard(metric):
    look = read(ALL[metric], WORSE[metric])
    assert look.verdict is Verdict.BREACH
    assert look.value > look.limit


@pytest.mark.parametrize("metric", list(Metric))
def test_a_missing_figure_holds(metric):
    look = read(ALL[metric], Compared())
    assert (look.verdict, look.samples) == (Verdict.HOLD, 0)


# An accelerator: what a picture takes in a run of so many, and how often runs are so large.
PICTURE_MS = {1: 10.0, 2: 6.0, 4: 4.0, 8: 3.0}
LARGE, SMALL = {1: 8, 2: 60, 4: 60, 8: 80}, {1: 120, 2: 60, 4: 40}


def timed(seed: int, sizes: Mapping[int, int], *, times: float = 1.0, clock: str = "wall") -> Tally:
    """A version so many times slower, in runs of these sizes; one run in fifty takes three times as long."""
    chance = random.Random(seed)
    latency = {}
    for pictures, runs in sizes.items():
        counts = latency[f"{clock}/{pictures}"] = [0] * LATENCY_BUCKETS
        for _ in range(runs):
            ms = PICTURE_MS[pictures] * times * chance.gammavariate(100, 0.01)
            counts[bisect_left(LATENCY_EDGES_MS, ms * (3 if chance.random() < 0.02 else 1))] += 1
    return replace(GOOD, latency=latency)


def slowest(tally: Tally) -> float:
    """The p95 over all runs, whatever their size."""
    total = [sum(counts) for counts in zip(*tally.latency.values(), strict=True)]
    return figures.quantile(total, LATENCY_EDGES_MS, 0.95) or 0.0


@pytest.mark.parametrize(("base", "candidate"), [(LARGE, SMALL), (SMALL, LARGE)])
def test_an_equal_version_in_runs_of_another_size_is_let_be(base, candidate):
    for seed in range(20):
        both = Compared(timed(seed, base), timed(100 + seed, candidate))
        look = read(ALL[Metric.LATENCY], both)
        assert (look.verdict, look.samples) == (Verdict.CLEAR, 108)
        assert look.value == pytest.approx(1.0, abs=0.35)
    assert slowest(timed(1, SMALL)) > 1.5 * slowest(timed(1, LARGE))  # what it would be accused of


@pytest.mark.parametrize(("base", "candidate"), [(LARGE, SMALL), (SMALL, LARGE), (SMALL, SMALL)])
def test_a_version_that_takes_twice_as_long_is_not(base, candidate):
    for seed in range(20):
        look = read(ALL[Metric.LATENCY], Compared(timed(seed, base), timed(100 + seed, candidate, times=2)))
        assert look.verdict is Verdict.BREACH
        assert look.value == pytest.approx(2.0, abs=0.6)


def test_a_few_slow_runs_hold_and_take_nothing_back():
    """They may be the machine's; a person looks. A version that is slower is so in the middle, too."""
    slow = {"cpu/1": histogram(80, b30=138, b45=12)}
    look = read(ALL[Metric.LATENCY], replace(SAME, candidate=replace(GOOD, latency=slow)))
    assert (look.verdict, look.breaches) == (Verdict.HOLD, 0)
    assert look.value > look.limit


def test_runs_that_never_have_the_same_size_hold_and_do_not_pass():
    look = read(ALL[Metric.LATENCY], Compared(timed(1, {8: 500}), timed(2, {1: 500}, times=9)))
    assert (look.verdict, look.value, look.samples) == (Verdict.HOLD, None, 0)


def test_times_by_two_clocks_are_not_compared():
    both = Compared(timed(1, SMALL, clock="wall"), timed(2, SMALL, clock="cpu"))
    assert read(ALL[Metric.LATENCY], both).verdict is Verdict.HOLD


def test_the_scarcer_side_of_each_size_says_how_many_samples_there_are():
    look = read(ALL[Metric.LATENCY], Compared(timed(1, {1: 300, 8: 20}), timed(2, {1: 20, 8: 300}, times=3)))
    assert (look.verdict, look.samples) == (Verdict.HOLD, 40)


def test_too_few_samples_hold_however_bad_they_look():
    guard = Guard(Metric.FEWER, 1.5, 500, 30)
    assert read(guard, WORSE[Metric.FEWER]).verdict is Verdict.HOLD


def test_the_class_that_vanished_is_named():
    assert read(ALL[Metric.CLASS_LOST], WORSE[Metric.CLASS_LOST]).detail == "car"


def test_a_rarer_class_that_vanished_holds_and_takes_nothing_back():
    """It may be a thing that the base alone saw, again and again, where there was none."""
    both = replace(SAME, candidate=replace(GOOD, detections={"person": 340}))
    look = read(ALL[Metric.CLASS_LOST], both)
    assert (look.verdict, look.detail, look.breaches) == (Verdict.HOLD, "car", 0)


def test_one_look_is_chance_and_two_at_new_windows_are_not():
    guard, worse = ALL[Metric.FEWER], WORSE[Metric.FEWER]
    first = read(guard, worse)
    assert judge([first]) == (Verdict.HOLD, first)
    stale = read(guard, worse, first, fresh=False)
    assert judge([stale])[0] is Verdict.HOLD
    second = read(guard, worse, first)
    assert judge([second]) == (Verdict.BREACH, second)
    assert read(guard, SAME, second).breaches == 0


def test_without_guards_nothing_is_clear():
    assert judge([]) == (Verdict.HOLD, None)


def test_all_clear_is_the_best_that_guards_say():
    looks = [read(guard, SAME) for guard in DEFAULT_GUARDS]
    assert judge(looks) == (Verdict.CLEAR, None)
    assert {verdict.value for verdict in Verdict} == {"clear", "hold", "breach"}  # no "promote"


def test_one_that_holds_is_enough_to_hold():
    looks = [read(guard, SAME) for guard in DEFAULT_GUARDS]
    waiting = read(ALL[Metric.WRONG], Compared())
    assert judge([*looks, waiting]) == (Verdict.HOLD, waiting)


def test_a_shadow_has_narrower_limits():
    loose = {guard.metric: guard.limit for guard in DEFAULT_GUARDS}
    found = [guard for guard in SHADOW_GUARDS if guard.metric is not Metric.LATENCY]
    assert all(guard.limit <= loose[guard.metric] for guard in found)


def test_sums_are_sums():
    both = SAME + SAME
    assert both.base.latency == {"cpu/1": histogram(80, b30=300)}
    other = replace(GOOD, latency={"wall/2": histogram(80, b1=1)})
    assert (GOOD + other).latency == {**GOOD.latency, **other.latency}
    assert (both.matched, both.base.frames, both.candidate.detections["car"]) == (720, 300, 120)
    assert sum(both.base.scores) == 720
