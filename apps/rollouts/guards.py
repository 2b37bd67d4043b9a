"""The guards of a rollout: what is measured, when a limit is passed, and what follows.

A guard compares the candidate with the base version on the same frames. Its value grows with the harm, so
that a limit is always a largest value. A guard never promotes: it says that nothing speaks against the next
step (CLEAR), that it cannot tell (HOLD), or that the candidate goes (BREACH). Pure functions; no database.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from apps.rollouts import figures
from inference_workers.contracts.comparison import LATENCY_EDGES_MS, SCORE_BINS

# A limit that is passed in one look can be chance; in two looks at new windows it counts.
LOOKS_TO_ABORT = 2
# A class that the base finds so often may not vanish. A rarer one may be a thing that the base sees where
# there is none, again and again: that it vanishes holds, and a person looks.
_COMMON_FINDS, _COMMON_SHARE, _RARER_SHARE = 30, 0.25, 0.1
_MORE_PER_CLASS = 5.0  # added to both counts of a class


class Metric(StrEnum):
    LATENCY = "latency"
    ERRORS = "errors"
    FEWER = "fewer"
    MORE = "more"
    CLASS_LOST = "class_lost"
    LOWER = "lower"
    KS = "ks"
    PSI = "psi"
    DISAGREEMENT = "disagreement"
    FRAGMENTATION = "fragmentation"
    HARD = "hard"
    WRONG = "wrong"
    LEAKS = "leaks"


class Verdict(StrEnum):
    CLEAR = "clear"
    HOLD = "hold"
    BREACH = "breach"


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard, fixed before the start. `min_samples` counts what the metric is counted in (`unit_of`)."""

    metric: Metric
    limit: float
    min_samples: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What one version did within a window, summed over cameras. `wrong` of `judged` events, `leaky` of
    `looked_at` pictures; `breaks` are tracks that ended early or had a gap; `latency` counts runs by kind."""

    frames: int = 0
    errors: int = 0
    latency: Mapping[str, Sequence[int]] = field(default_factory=dict)
    detections: Mapping[str, int] = field(default_factory=dict)
    scores: tuple[int, ...] = (0,) * SCORE_BINS
    hard_frames: int = 0
    tracks: int = 0
    breaks: int = 0
    judged: int = 0
    wrong: int = 0
    looked_at: int = 0
    leaky: int = 0

    @property
    def finds(self) -> int:
        return sum(self.detections.values())

    def __add__(self, other: "Tally") -> "Tally":
        summed: dict[str, Any] = {
            name: value + getattr(other, name)
            for name, value in asdict(self).items()
            if isinstance(value, int)
        }
        return Tally(
            **summed,
            latency=figures.add_each(self.latency, other.latency),
            scores=figures.add(self.scores, other.scores),
            detections={
                name: self.detections.get(name, 0) + other.detections.get(name, 0)
                for name in {*self.detections, *other.detections}
            },
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """Both versions on the same frames. The errors are those of all frames of each."""

    base: Tally = field(default_factory=Tally)
    candidate: Tally = field(default_factory=Tally)
    matched: int = 0
    only_base: int = 0
    only_candidate: int = 0

    def __add__(self, other: "Compared") -> "Compared":
        return Compared(
            self.base + other.base,
            self.candidate + other.candidate,
            self.matched + other.matched,
            self.only_base + other.only_base,
            self.only_candidate + other.only_candidate,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """One look of a guard. `base` and `candidate` are the two figures that `value` compares, where it does.

    `detail` names what the value is about: the class that differs most. `breaches` counts looks in a row.
    """

    metric: Metric
    verdict: Verdict
    value: float | None
    limit: float
    samples: int
    min_samples: int
    base: float | None = None
    candidate: float | None = None
    detail: str = ""
    breaches: int = 0


@dataclass(frozen=True, slots=True)
class _Measured:
    value: float | None
    samples: int
    base: float | None = None
    candidate: float | None = None
    detail: str = ""
    doubt: "_Measured | None" = None  # holds where it passes the limit, and takes nothing back
    also: float | None = None  # has to pass the limit as well: the value alone holds


def _rate(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _latency(both: Compared) -> _Measured:
    """How many times the base's p95, as if both had made the same kinds of runs equally often (ADR 0013).

    Samples are runs of kinds that both have, as many as the version has that has fewer of them. p95 of fifty
    runs is the third slowest, so that it alone takes nothing back: the median has to agree.
    """
    *sides, samples = figures.alike(both.base.latency, both.candidate.latency)
    (a, middle_a), (b, middle_b) = (
        [figures.quantile(side, LATENCY_EDGES_MS, share) for share in (0.95, 0.5)] for side in sides
    )
    if not (a and b and middle_a and middle_b):
        return _Measured(None, samples, a, b)
    return _Measured(b / a, samples, a, b, also=middle_b / middle_a)


def _errors(both: Compared) -> _Measured:
    """The share of frames that failed beyond the base's share."""
    tried = [tally.frames + tally.errors for tally in (both.base, both.candidate)]
    a, b = _rate(both.base.errors, tried[0]), _rate(both.candidate.errors, tried[1])
    return _Measured(None if b is None else max(0.0, b - (a or 0.0)), tried[1], a, b)


def _fewer(both: Compared) -> _Measured:
    """How many times fewer finds per frame than the base."""
    a, b = _per_frame(both)
    value = None if a is None or b is None else figures.times(a, b)
    return _Measured(value, both.base.frames, a, b)


def _more(both: Compared) -> _Measured:
    """How many times more finds per frame than the base."""
    a, b = _per_frame(both)
    value = None if a is None or b is None else figures.times(b, a)
    return _Measured(value, both.base.frames, a, b)


def _per_frame(both: Compared) -> tuple[float | None, float | None]:
    base, candidate = both.base, both.candidate
    return _rate(base.finds, base.frames), _rate(candidate.finds, candidate.frames)


def _class_lost(both: Compared) -> _Measured:
    common, rarer = _most_lost(both, _COMMON_SHARE), _most_lost(both, _RARER_SHARE)
    if common is not None:
        return replace(common, doubt=rarer)
    nothing = None if rarer is None else 1.0
    return _Measured(nothing, both.base.finds, doubt=rarer)


def _most_lost(both: Compared, share: float) -> _Measured | None:
    base, candidate = both.base.detections, both.candidate.detections
    found = figures.class_lost(
        base, candidate, least_finds=_COMMON_FINDS, least_share=share, more=_MORE_PER_CLASS
    )
    if found is None:
        return None
    name, fall = found
    frames = both.base.frames
    rates = _rate(base.get(name, 0), frames), _rate(candidate.get(name, 0), frames)
    return _Measured(fall, both.base.finds, *rates, name)


def _lower(both: Compared) -> _Measured:
    found = figures.ks(both.base.scores, both.candidate.scores)
    return _scores(both, found[0] if found else None)


def _ks(both: Compared) -> _Measured:
    found = figures.ks(both.base.scores, both.candidate.scores)
    return _scores(both, max(found) if found else None)


def _psi(both: Compared) -> _Measured:
    return _scores(both, figures.psi(both.base.scores, both.candidate.scores))


def _scores(both: Compared, value: float | None) -> _Measured:
    base, candidate = both.base.scores, both.candidate.scores
    return _Measured(value, min(sum(base), sum(candidate)), _mean(base), _mean(candidate))


def _mean(scores: Sequence[int]) -> float | None:
    total = sum(count * (index + 0.5) / len(scores) for index, count in enumerate(scores))
    return _rate(total, sum(scores))


def _disagreement(both: Compared) -> _Measured:
    value = figures.disagreement(both.matched, both.only_base, both.only_candidate)
    return _Measured(value, both.matched + both.only_base + both.only_candidate)


def _fragmentation(both: Compared) -> _Measured:
    """The share of tracks that broke, beyond the base's share."""
    a, b = _rate(both.base.breaks, both.base.tracks), _rate(both.candidate.breaks, both.candidate.tracks)
    value = None if a is None or b is None else max(0.0, b - a)
    return _Measured(value, min(both.base.tracks, both.candidate.tracks), a, b)


def _hard(both: Compared) -> _Measured:
    a = _rate(both.base.hard_frames, both.base.frames)
    b = _rate(both.candidate.hard_frames, both.candidate.frames)
    value = None if a is None or b is None else max(0.0, b - a)
    return _Measured(value, min(both.base.frames, both.candidate.frames), a, b)


def _wrong(both: Compared) -> _Measured:
    return _share_beyond((both.base.wrong, both.base.judged), (both.candidate.wrong, both.candidate.judged))


def _leaks(both: Compared) -> _Measured:
    return _share_beyond(
        (both.base.leaky, both.base.looked_at), (both.candidate.leaky, both.candidate.looked_at)
    )


def _share_beyond(base: tuple[int, int], candidate: tuple[int, int]) -> _Measured:
    """The candidate's share beyond the base's; a base that was not looked at counts as faultless."""
    a, b = _rate(*base), _rate(*candidate)
    return _Measured(None if b is None else max(0.0, b - (a or 0.0)), candidate[1], a, b)


_MEASURES: dict[Metric, Callable[[Compared], _Measured]] = {
    Metric.LATENCY: _latency,
    Metric.ERRORS: _errors,
    Metric.FEWER: _fewer,
    Metric.MORE: _more,
    Metric.CLASS_LOST: _class_lost,
    Metric.LOWER: _lower,
    Metric.KS: _ks,
    Metric.PSI: _psi,
    Metric.DISAGREEMENT: _disagreement,
    Metric.FRAGMENTATION: _fragmentation,
    Metric.HARD: _hard,
    Metric.WRONG: _wrong,
    Metric.LEAKS: _leaks,
}

# Limits measured on real clips, with versions that are equal, better and worse: docs/rollouts.md. Those of
# a shadow are narrower: it sees all cameras, and a false alarm costs nobody anything.
DEFAULT_GUARDS = (
    Guard(Metric.LATENCY, 1.5, 50, 30),
    Guard(Metric.ERRORS, 0.02, 50, 30),
    Guard(Metric.FEWER, 1.5, 50, 30),
    Guard(Metric.MORE, 2.0, 50, 30),
    Guard(Metric.CLASS_LOST, 8.0, 50, 30),
    Guard(Metric.LOWER, 0.28, 50, 30),
    Guard(Metric.DISAGREEMENT, 0.7, 50, 30),
)
SHADOW_GUARDS = (
    Guard(Metric.LATENCY, 2.0, 50, 30),
    Guard(Metric.ERRORS, 0.02, 50, 30),
    Guard(Metric.FEWER, 1.25, 200, 30),
    Guard(Metric.MORE, 1.25, 200, 30),
    Guard(Metric.CLASS_LOST, 8.0, 200, 30),
    Guard(Metric.LOWER, 0.2, 200, 30),
    Guard(Metric.DISAGREEMENT, 0.6, 200, 30),
)
# Offered beside the default ones: they say less, or need hours of events, tracks or second looks.
FURTHER_GUARDS = (
    Guard(Metric.KS, 0.6, 200, 30),
    Guard(Metric.PSI, 2.0, 200, 30),
    Guard(Metric.FRAGMENTATION, 0.3, 30, 300),
    Guard(Metric.HARD, 0.35, 100, 60),
    Guard(Metric.WRONG, 0.2, 20, 24 * 3600),
    Guard(Metric.LEAKS, 0.02, 50, 6 * 3600),
)


def read(guard: Guard, both: Compared, before: Reading | None = None, *, fresh: bool = True) -> Reading:
    """One look. `before` is the look before; `fresh` says that new windows came since.

    Too few samples or a value that cannot be computed hold. A breach counts once per look at new windows.
    """
    measured = _MEASURES[guard.metric](both)
    earlier = before.breaches if before is not None else 0
    if measured.value is None or measured.samples < guard.min_samples:
        verdict, breaches = Verdict.HOLD, 0
    elif measured.value <= guard.limit:
        doubt = measured.doubt
        doubted = doubt is not None and doubt.value is not None and doubt.value > guard.limit
        measured = doubt if doubt is not None and doubted else measured
        verdict, breaches = Verdict.HOLD if doubted else Verdict.CLEAR, 0
    elif measured.also is not None and measured.also <= guard.limit:
        verdict, breaches = Verdict.HOLD, 0
    else:
        verdict, breaches = Verdict.BREACH, earlier + 1 if fresh else earlier
    return Reading(
        guard.metric,
        verdict,
        measured.value,
        guard.limit,
        measured.samples,
        guard.min_samples,
        measured.base,
        measured.candidate,
        measured.detail,
        breaches,
    )


def judge(readings: Iterable[Reading]) -> tuple[Verdict, Reading | None]:
    """What follows: BREACH and the guard that was passed in enough looks; HOLD and the first that holds.

    No reading at all holds: a rollout without guards is judged by nobody.
    """
    looks = list(readings)
    gone = [look for look in looks if look.verdict is Verdict.BREACH and look.breaches >= LOOKS_TO_ABORT]
    if gone:
        return Verdict.BREACH, gone[0]
    waiting = [look for look in looks if look.verdict is not Verdict.CLEAR]
    if waiting or not looks:
        return Verdict.HOLD, waiting[0] if waiting else None
    return Verdict.CLEAR, None


def guards_of(stored: Iterable[Mapping[str, Any]]) -> list[Guard]:
    """Guards as they were kept with the rollout."""
    return [Guard(**{**row, "metric": Metric(row["metric"])}) for row in stored]


def readings_of(stored: Iterable[Mapping[str, Any]]) -> list[Reading]:
    return [
        Reading(**{**row, "metric": Metric(row["metric"]), "verdict": Verdict(row["verdict"])})
        for row in stored
    ]


_TIMES_BASE = (Metric.LATENCY, Metric.MORE)
_PARTS_OF_BASE = (Metric.FEWER, Metric.CLASS_LOST)
_BEYOND_BASE = (Metric.ERRORS, Metric.FRAGMENTATION, Metric.HARD, Metric.WRONG, Metric.LEAKS)


def limit_line(reading: Reading) -> tuple[float | None, float | None, float | None]:
    """Base, candidate and limit of a look in one unit, for a chart.

    Where the value itself is what is drawn (distances of two distributions), there is no line of the base.
    """
    base, candidate, limit = reading.base, reading.candidate, reading.limit
    if reading.metric in _TIMES_BASE:
        return base, candidate, None if base is None else base * limit
    if reading.metric in _PARTS_OF_BASE:
        return base, candidate, None if base is None else base / limit
    if reading.metric in _BEYOND_BASE:
        return base, candidate, (base or 0.0) + limit
    return None, reading.value, limit
