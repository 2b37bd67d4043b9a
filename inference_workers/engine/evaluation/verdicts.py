"""From two measurements of one set to a verdict, with intervals and a rule that is stated.

The rule, in this order:

1. A candidate that misses an object on a must-pass picture is worse.
2. The difference of mAP (candidate less base) has a paired bootstrap interval over pictures of 95 %. Wholly
   below zero: worse.
3. A size, a light, a camera or a class with enough objects whose own difference is below the margin with an
   interval wholly below zero is a part that was lost: worse, whatever the mean says. One more part is what
   the cameras will see: the F1 at the score from which a version answers, which the mean over all scores
   cannot tell. These intervals are widened for the number of parts (Bonferroni), so that many parts do not
   make one by chance.
4. The interval of the mean wholly above zero: better. Wholly within the margin on both sides: equal. Else
   unclear: more labelled pictures are needed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference_workers.engine.evaluation.measuring import (
    Measurement,
    Slice,
    objects_in,
    per_class,
    slices_of,
)
from inference_workers.engine.evaluation.precision import Floats, mean_precision

BETTER, EQUAL, WORSE, UNCLEAR = "better", "equal", "worse", "unclear"
ERROR_RATE = 0.05
MIN_OBJECTS = 20
MIN_PICTURES = 10
NEARLY_ALL = 0.95


@dataclass(frozen=True, slots=True)
class Difference:
    """Candidate less base. `low`, `high`: the interval; `lost`: rule 3."""

    kind: str
    name: str
    pictures: int
    objects: int
    candidate: float
    base: float
    low: float
    high: float
    lost: bool = False

    @property
    def difference(self) -> float:
        return self.candidate - self.base

    def plain(self) -> dict[str, Any]:
        return {
            "kind": self.kind, "name": self.name, "pictures": self.pictures, "objects": self.objects,
            "candidate": self.candidate, "base": self.base, "difference": self.difference,
            "low": self.low, "high": self.high, "lost": self.lost,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """`word` is one of the four above; `reason` names the rule that decided, `parts` what it looked at."""

    word: str
    reason: str
    mean: Difference
    parts: tuple[Difference, ...]
    must_pass_missed: tuple[str, ...]


def samples(pictures: int, resamples: int, seed: int) -> Floats:
    """(B, I) how often each picture is drawn; the same for both versions: the bootstrap is paired."""
    draw = np.random.default_rng(seed)
    return draw.multinomial(pictures, np.full(pictures, 1 / pictures), size=resamples).astype(np.float64)


def judge(
    candidate: Measurement,
    base: Measurement,
    *,
    resamples: int,
    seed: int,
    margin: float,
    served: Sequence["Served"] = (),
    must_pass_missed: Sequence[str] = (),
) -> Verdict:
    """Apply the rule. Both measurements are of the same pictures in the same order.

    Args:
        served: candidate and base at their serving scores; none: that part is not judged.
    """
    weights = samples(len(candidate.pictures), resamples, seed)
    mean, classes = _whole(candidate, base, weights)
    parts = [*_serving(served, weights), *_slices(candidate, base, weights), *classes]
    looked_at = [part for part in parts if _counts(part)]
    corrected = ERROR_RATE / max(1, len(looked_at))
    judged = tuple(part.difference_of(corrected, margin) for part in parts)
    word, reason = _rule(mean.difference_of(ERROR_RATE, margin), judged, margin, must_pass_missed)
    return Verdict(word, reason, mean.difference_of(ERROR_RATE, margin), judged, tuple(must_pass_missed))


@dataclass(frozen=True, slots=True)
class Served:
    """One version at its serving score, per picture (I,): objects found, objects missed, false finds."""

    right: Floats
    missed: Floats
    wrong: Floats


def _serving(served: Sequence[Served], weights: Floats) -> list["_Sampled"]:
    if not served:
        return []
    ones = np.concatenate([np.ones((1, weights.shape[1])), weights])
    ours, theirs = (_f1(side, ones) for side in served)
    objects = served[1].right + served[1].missed
    counts = (int(np.count_nonzero(objects)), int(objects.sum()))
    return [_sampled("serving", "f1", counts, ours, theirs)]


def _f1(side: Served, weights: Floats) -> Floats:
    right = 2 * (weights @ side.right)
    every = right + weights @ side.wrong + weights @ side.missed
    return np.asarray(np.divide(right, every, out=np.zeros(len(weights)), where=every > 0))


@dataclass(frozen=True, slots=True)
class _Sampled:
    """A part with its sampled differences; the width of the interval is decided when all parts are known."""

    kind: str
    name: str
    pictures: int
    objects: int
    candidate: float
    base: float
    sampled: Floats

    def difference_of(self, error_rate: float, margin: float) -> Difference:
        known = self.sampled[~np.isnan(self.sampled)]
        low, high = (
            np.percentile(known, [error_rate * 50, 100 - error_rate * 50]) if len(known) else (0.0, 0.0)
        )
        lost = _counts(self) and high < 0 and self.candidate - self.base < -margin
        return Difference(
            self.kind, self.name, self.pictures, self.objects, self.candidate, self.base,
            float(low), float(high), bool(lost),
        )  # fmt: skip


def _counts(part: _Sampled) -> bool:
    return part.objects >= MIN_OBJECTS and part.pictures >= MIN_PICTURES


def _whole(candidate: Measurement, base: Measurement, weights: Floats) -> tuple[_Sampled, list[_Sampled]]:
    everything = np.concatenate([np.ones((1, weights.shape[1])), weights])
    ours = per_class(candidate.matches.by_area["all"], everything)
    theirs = per_class(base.matches.by_area["all"], everything)
    mean_ours, mean_theirs = mean_precision(ours), mean_precision(theirs)
    objects = [found.objects for found in base.matches.by_area["all"]]
    mean = _sampled("all", "all", (weights.shape[1], int(sum(map(np.sum, objects)))), mean_ours, mean_theirs)
    classes = []
    for name, count, a, b in zip(base.labelled.classes, objects, ours, theirs, strict=True):
        if count.sum():
            pictures = int(np.count_nonzero(count))
            classes.append(
                _sampled("class", name, (pictures, int(count.sum())), a.mean(axis=1), b.mean(axis=1))
            )
    return mean, classes


def _slices(candidate: Measurement, base: Measurement, weights: Floats) -> list[_Sampled]:
    found = []
    for part in slices_of(base):
        pictures, objects = _pictures_with(base, part), objects_in(base, part)
        if not objects or (part.kind != "size" and part.mask.mean() > NEARLY_ALL):
            continue  # a light that is nearly everywhere is the whole set again
        masked = np.concatenate([np.ones((1, weights.shape[1])), weights]) * part.mask
        ours = mean_precision(per_class(candidate.matches.by_area[part.area], masked))
        theirs = mean_precision(per_class(base.matches.by_area[part.area], masked))
        found.append(_sampled(part.kind, part.name, (pictures, objects), ours, theirs))
    return found


def _pictures_with(measured: Measurement, part: Slice) -> int:
    objects = sum(found.objects for found in measured.matches.by_area[part.area])
    return int(np.count_nonzero(objects * part.mask))


def _sampled(kind: str, name: str, counts: tuple[int, int], ours: Floats, theirs: Floats) -> _Sampled:
    """`counts`: pictures and objects. The first of the values is of all pictures, the others are sampled."""
    return _Sampled(kind, name, *counts, float(ours[0]), float(theirs[0]), (ours - theirs)[1:])


def _rule(
    mean: Difference, parts: Sequence[Difference], margin: float, must_pass_missed: Sequence[str]
) -> tuple[str, str]:
    if must_pass_missed:
        return WORSE, "must_pass"
    if mean.high < 0:
        return WORSE, "mean"
    if any(part.lost for part in parts):
        return WORSE, "part"
    if mean.low > 0:
        return BETTER, "mean"
    if -margin < mean.low and mean.high < margin:
        return EQUAL, "margin"
    return UNCLEAR, "interval"


def summary_of(verdict: Verdict) -> Mapping[str, float]:
    """The figures that lists show."""
    mean = verdict.mean
    return {
        "candidate_ap": mean.candidate, "base_ap": mean.base, "difference": mean.difference,
        "low": mean.low, "high": mean.high, "lost_parts": float(sum(part.lost for part in verdict.parts)),
        "must_pass_missed": float(len(verdict.must_pass_missed)),
    }  # fmt: skip
