"""The statistics of the guards, on histograms: plain Python, because the web processes carry no numpy.

Each function takes counts and returns None where they are too few to say anything.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

MOST_CHANGE = 1000.0  # of something that one side has and the other has not at all; JSON knows no infinity
Counts = Sequence[int]
_SMOOTHING = 0.5  # of a count in each bin, so that an empty bin gives no infinite PSI


def add(left: Sequence[int], right: Sequence[int]) -> tuple[int, ...]:
    """Two histograms over the same bins."""
    return tuple(a + b for a, b in zip(left, right, strict=True))


def add_each(left: Mapping[str, Counts], right: Mapping[str, Counts]) -> dict[str, Counts]:
    """Histograms by name, those of the same name added."""
    both = {name: add(left[name], right[name]) for name in left.keys() & right.keys()}
    return {**left, **right, **both}


def alike(left: Mapping[str, Counts], right: Mapping[str, Counts]) -> tuple[list[float], list[float], int]:
    """Two mixtures of histograms, by strata, with the same weights on both sides: direct standardisation.

    A stratum weighs as much as the smaller of its two samples; one that only a side has weighs nothing. The
    third value is the sum of the weights, how many samples can be compared.
    """
    sums: tuple[list[float], list[float]] = ([], [])
    total = 0
    for name in sorted(left.keys() & right.keys()):
        sides = left[name], right[name]
        weight = min(map(sum, sides))
        if not weight:
            continue
        total += weight
        for mixed, counts in zip(sums, sides, strict=True):
            scale = weight / sum(counts)
            mixed[:] = [
                before + count * scale
                for before, count in zip(mixed or [0.0] * len(counts), counts, strict=True)
            ]
    return *sums, total


def quantile(counts: Sequence[float], edges: Sequence[float], share: float) -> float | None:
    """The value below which `share` of a histogram lies, linear within its bucket.

    `edges` are upper edges; the bucket after the last edge counts as that edge, for want of a better word.
    """
    total = sum(counts)
    if total == 0:
        return None
    wanted, below, low = share * total, 0.0, 0.0
    for count, edge in zip(counts, [*edges, edges[-1]], strict=True):
        if count and below + count >= wanted:
            return low + (edge - low) * (wanted - below) / count
        below, low = below + count, edge
    return edges[-1]


def psi(base: Sequence[int], candidate: Sequence[int]) -> float | None:
    """The population stability index (Lewis 1994): sum of (q - p) ln(q / p) over the bins.

    Below 0.1 the distributions are alike, above 0.25 they are not. Bins that are empty on both sides say
    nothing and are left out; half a count is added to the others.
    """
    bins = [(p, q) for p, q in zip(base, candidate, strict=True) if p or q]
    total_p = sum(p for p, _q in bins)
    total_q = sum(q for _p, q in bins)
    if not total_p or not total_q:
        return None
    more = _SMOOTHING * len(bins)
    shares = [((p + _SMOOTHING) / (total_p + more), (q + _SMOOTHING) / (total_q + more)) for p, q in bins]
    return sum((q - p) * math.log(q / p) for p, q in shares)


def ks(base: Sequence[int], candidate: Sequence[int]) -> tuple[float, float] | None:
    """The two one-sided statistics of Kolmogorov and Smirnov, each 0..1: how far the candidate's values lie
    below the base's, and how far above. The larger of them is the usual statistic.

    Over bins they are lower bounds of those over single values.
    """
    total_p, total_q = sum(base), sum(candidate)
    if not total_p or not total_q:
        return None
    p = q = below = above = 0.0
    for a, b in zip(base, candidate, strict=True):
        p, q = p + a / total_p, q + b / total_q
        below, above = max(below, q - p), max(above, p - q)
    return below, above


def times(part: float, whole: float) -> float:
    """How many times `whole` is in `part`, at most MOST_CHANGE; 1.0 where both are nothing."""
    if whole <= 0:
        return 1.0 if part <= 0 else MOST_CHANGE
    return min(MOST_CHANGE, part / whole)


def class_lost(
    base: Mapping[str, int],
    candidate: Mapping[str, int],
    *,
    least_finds: int,
    least_share: float,
    more: float,
) -> tuple[str, float] | None:
    """The class that the candidate finds the fewest times as often as the base, and how many times fewer.

    Only classes that the base found often: `least_finds` and `least_share` of all its finds. `more` is added
    to both counts, so that a few finds weigh little. None where no class is that common.
    """
    total = sum(base.values())
    falls = [
        (times(count + more, candidate.get(name, 0) + more), name)
        for name, count in base.items()
        if count >= least_finds and count >= least_share * total
    ]
    if not falls:
        return None
    fall, name = max(falls)
    return name, fall


def disagreement(matched: int, only_base: int, only_candidate: int) -> float | None:
    """One less the Dice coefficient (1945) of two sets of boxes: 0 where all are matched, 1 where none is."""
    boxes = 2 * matched + only_base + only_candidate
    return None if boxes == 0 else 1 - 2 * matched / boxes


def sample_size(share: float, difference: float, *, significance: float = 0.05, power: float = 0.8) -> int:
    """Observations per group to see that a share differs by `difference`, two-sided.

    The usual formula for two proportions (Fleiss, Levin and Paik, 3rd ed. 2003, eq. 4.14, without the
    correction for continuity). Raises ValueError for shares outside of 0..1.
    """
    other = share + difference
    if not (0 < share < 1 and 0 < other < 1 and difference):
        raise ValueError(f"expected two different shares between 0 and 1, got {share} and {other}")
    normal = NormalDist()
    alpha, beta = normal.inv_cdf(1 - significance / 2), normal.inv_cdf(power)
    middle = (share + other) / 2
    spread = alpha * math.sqrt(2 * middle * (1 - middle)) + beta * math.sqrt(
        share * (1 - share) + other * (1 - other)
    )
    return math.ceil((spread / difference) ** 2)


def shares_differ(hits_a: int, all_a: int, hits_b: int, all_b: int) -> float | None:
    """The two-sided p-value of the test of two proportions (pooled z); None while a group is empty."""
    if not all_a or not all_b:
        return None
    pooled = (hits_a + hits_b) / (all_a + all_b)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / all_a + 1 / all_b))
    if spread == 0:
        return 1.0
    z = abs(hits_a / all_a - hits_b / all_b) / spread
    return 2 * (1 - NormalDist().cdf(z))
