"""Tracks of a whole film, and where they cover at a moment."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

COVERED, DROPPED, KEPT = "covered", "dropped", "kept"
MANUAL = "manual"


# A thing that is lost goes on as it moved for this long; the speed is that between two points this near.
MAX_ONWARDS_S = 0.4
MAX_STEP_S = 0.5
# As long as it has moved on by less than this many times its size, its last place stays covered too.
STAY_SIZES = 1.5


@dataclass(frozen=True, slots=True)
class CoverRules:
    """How a track's covers stretch beyond and between the moments at which it was seen.

    Attributes:
        before_s, after_s: how long it is covered before its first and after its last point, in place.
        join_s: two tracks whose gap is shorter may be one.
        grow_per_s: growth on every side, as a share of the longer side, per second from the next point.
        max_grow: where the growth ends.
        motion_share: growth by this share of the way from one point to the next.
    """

    before_s: float = 0.5
    after_s: float = 0.6
    join_s: float = 2.0
    grow_per_s: float = 1.0
    max_grow: float = 0.6
    motion_share: float = 0.15


RULES = {
    "face": CoverRules(),
    "person": CoverRules(0.8, 1.0, 2.5, 0.4, 0.4, 0.1),
    "text": CoverRules(1.0, 1.0, 2.5, 0.3, 0.3, 0.1),
    MANUAL: CoverRules(0.2, 0.2, 0.0, 0.3, 0.3, 0.15),
}


def speed_at(points: NDArray[np.float64], at_s: float) -> NDArray[np.float64]:
    """Pixels per second (2,) of the centre at the end of the points that is nearer to a moment.

    Args:
        points: (N, 5): at_s, left, top, right, bottom, sorted by time.
    """
    if len(points) < 2:
        return np.zeros(2)
    one, two = (points[0], points[1]) if at_s <= points[0, 0] else (points[-2], points[-1])
    passed_s = float(two[0] - one[0])
    if not 0 < passed_s <= MAX_STEP_S:
        return np.zeros(2)
    return np.asarray((two[1:3] + two[3:5] - one[1:3] - one[3:5]) / 2 / passed_s, np.float64)


@dataclass(slots=True)
class Track:
    """One thing over time.

    Attributes:
        points: (at_s, left, top, right, bottom, score) in the order of time, pixels.
        how: "s" seen or "f" followed or "m" drawn, one per point.
        scene_s: between which cuts it lies; it covers nothing outside.
    """

    track_id: str
    kind: str
    points: list[tuple[float, float, float, float, float, float]]
    how: list[str]
    scene_s: tuple[float, float] = (float("-inf"), float("inf"))
    state: str = COVERED

    @property
    def from_s(self) -> float:
        return self.points[0][0]

    @property
    def until_s(self) -> float:
        return self.points[-1][0]

    @property
    def sightings(self) -> int:
        return sum(how != "f" for how in self.how)

    @property
    def mean_score(self) -> float:
        scores = [point[5] for point, how in zip(self.points, self.how, strict=True) if how != "f"]
        return float(np.mean(scores)) if scores else 0.0

    @property
    def is_uncertain(self) -> bool:
        """Seen once or twice, or never clearly: covered all the same, and named in the report."""
        return self.kind != MANUAL and (self.sightings < 3 or self.mean_score < 0.35)

    def covered_s(self) -> tuple[float, float]:
        """From when to when it covers."""
        rules = RULES[self.kind]
        return (
            max(self.from_s - rules.before_s, self.scene_s[0]),
            min(self.until_s + rules.after_s, self.scene_s[1]),
        )


@dataclass(slots=True)
class CoverTrack:
    """The part of a track that covers within one segment; what its boxes are computed from, and nothing else.

    Attributes:
        points: (N, 5): at_s, left, top, right, bottom, sorted by time.
        span_s: covers from ≤ t < until.
    """

    kind: str
    points: NDArray[np.float64]
    span_s: tuple[float, float]
    _half: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        half = (self.points[:, 3:5] - self.points[:, 1:3]) / 2
        # A box that is too tight at one look takes the size of its neighbours.
        wider = half.copy()
        wider[1:] = np.maximum(wider[1:], np.minimum(half[:-1], 1.5 * half[1:]))
        wider[:-1] = np.maximum(wider[:-1], np.minimum(half[1:], 1.5 * half[:-1]))
        self._half = wider

    def box_at(self, at_s: float) -> NDArray[np.float64] | None:
        """Box (4,) in pixels at a moment, or None outside of its span."""
        if not self.span_s[0] <= at_s < self.span_s[1]:
            return None
        times, rules = self.points[:, 0], RULES[self.kind]
        after = int(np.searchsorted(times, at_s))
        before = max(after - 1, 0)
        after = min(after, len(times) - 1)
        half = np.maximum(self._half[before], self._half[after])
        distance_s = min(abs(at_s - times[before]), abs(at_s - times[after]))
        grow = min(rules.grow_per_s * distance_s, rules.max_grow) * 2 * float(half.max())
        low, high = self._centres(before, after, at_s)
        return np.concatenate([low - half - grow, high + half + grow])

    def _centres(
        self, before: int, after: int, at_s: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Between which corners the centre lies: some way around it, or from the last place on."""
        first, last = self._centre(before), self._centre(after)
        gap_s = self.points[after, 0] - self.points[before, 0]
        if gap_s > 0:
            share = (at_s - self.points[before, 0]) / gap_s
            centre = first * (1 - share) + last * share
            way = RULES[self.kind].motion_share * np.abs(last - first)
            return centre - way, centre + way
        onwards = self._onwards(before, at_s)
        size = 2 * float(self._half[before].max())
        if np.linalg.norm(onwards - first) > STAY_SIZES * size:
            return onwards, onwards
        return np.minimum(first, onwards), np.maximum(first, onwards)

    def _centre(self, number: int) -> NDArray[np.float64]:
        return (self.points[number, 1:3] + self.points[number, 3:5]) / 2

    def _onwards(self, number: int, at_s: float) -> NDArray[np.float64]:
        """Where the centre is, before the first or after the last point, if it moves on as it did there."""
        return self._centre(number) + speed_at(self.points, at_s) * float(
            np.clip(at_s - self.points[number, 0], -MAX_ONWARDS_S, MAX_ONWARDS_S)
        )

    def as_json(self) -> dict[str, Any]:
        rows = np.round(self.points, 6).tolist()
        return {"kind": self.kind, "points": rows, "span_s": [round(at, 6) for at in self.span_s]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "CoverTrack":
        points = np.array(value["points"], np.float64).reshape(-1, 5)
        return cls(str(value["kind"]), points, (float(value["span_s"][0]), float(value["span_s"][1])))


def covers_between(track: Track, start_s: float, end_s: float) -> CoverTrack | None:
    """What of a track covers something between two moments, with the points around them; None if nothing."""
    from_s, until_s = track.covered_s()
    if until_s <= start_s or from_s >= end_s:
        return None
    points = np.array([point[:5] for point in track.points], np.float64)
    # Two points on each side: one to interpolate with, one that may widen it.
    first = max(int(np.searchsorted(points[:, 0], start_s)) - 2, 0)
    last = min(int(np.searchsorted(points[:, 0], end_s)) + 2, len(points))
    if last <= first:
        first, last = (0, 2) if from_s >= start_s else (max(len(points) - 2, 0), len(points))
    # Beyond the segment the span says nothing: it would change the segment's hash for nothing.
    span = (max(from_s, start_s, -1.0), min(until_s, end_s, 1e9))
    return CoverTrack(track.kind, points[first:last], span)
