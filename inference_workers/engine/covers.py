"""Where to cover at a moment: every sighting of a face or person, stretched over time.

A detector blinks; a cover must not. A sighting covers the moments before it (back to where the display
is), the gap until the next one, and a while after the last one, with a box that grows with the distance
in time from what was really seen. Covering never waits until a track is confirmed.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference_workers.engine.frame import Detections
from inference_workers.engine.tracking import Box, BoxTracker, Sighting, Track


@dataclass(frozen=True, slots=True)
class CoverRules:
    """How covers stretch over time.

    Attributes:
        min_score: detections from this score on are covered.
        before_s: how far before its first sighting a thing is covered.
        coast_s: how long after its last sighting it stays covered.
        grow_per_s: growth on every side, as a share of the box's longer side, per second of distance.
        max_grow: where the growth ends.
        steady_s: looks that are further apart are rare: what was seen in one of two may be anywhere near.
        drift_per_s, max_drift: the growth there, for what was not seen on both sides of the moment.
    """

    min_score: float = 0.2
    before_s: float = 1.0
    coast_s: float = 1.5
    grow_per_s: float = 1.5
    max_grow: float = 0.75
    steady_s: float = 0.3
    drift_per_s: float = 1.5
    max_drift: float = 0.75


class CoverTracker:
    """The covers of one camera for one kind of thing (faces, or persons)."""

    def __init__(self, rules: CoverRules) -> None:
        self._rules = rules
        self._before_s = rules.before_s
        self._tracker = BoxTracker(min_score=rules.min_score, min_iou=0.05, keep_s=rules.coast_s + 0.5)
        self._tracks: list[Track] = []
        self._looked_at: list[float] = []

    def add(self, at: float, seq: int, found: Detections) -> None:
        """Take in one look (pixels of the frame)."""
        insort(self._looked_at, at)
        seen, loose = self._tracker.update(at, seq, found)
        known = {id(track) for track in self._tracks}
        begun = [track for track in seen if id(track) not in known]
        taken_up = {id(track.sightings[0]) for track in begun}
        self._tracks = [item for item in self._tracks if id(item.last) not in taken_up]
        self._tracks += begun + [_lone(sighting) for sighting in loose]

    def reach_back(self, before_s: float) -> None:
        """Cover this long before the first sighting, or for as long as the rules say if that is longer."""
        self._before_s = max(self._rules.before_s, before_s)

    def cut(self) -> None:
        """A new scene: nothing is connected across it. What was seen stays covered until it coasts out."""
        self._tracker.reset()

    def forget_before(self, at: float) -> None:
        """Drop what cannot cover anything from `at` on."""
        limit = at - self._rules.coast_s
        self._tracks = [track for track in self._tracks if track.last.at >= limit]
        # Two looks are kept whatever their age: how far they are apart is asked for.
        del self._looked_at[: max(0, min(bisect_left(self._looked_at, limit), len(self._looked_at) - 2))]

    def boxes_at(self, at: float, width: int, height: int) -> NDArray[np.float64]:
        """Boxes (N, 4) in pixels to cover at a moment, inside a frame of `width` x `height`."""
        boxes = [box for track in self._tracks for box in self._boxes_of(track, at)]
        if not boxes:
            return np.zeros((0, 4))
        inside = np.clip(np.stack(boxes), 0, [width, height, width, height])
        real = (inside[:, 2] - inside[:, 0] >= 1) & (inside[:, 3] - inside[:, 1] >= 1)
        return _outermost(inside[real])

    def _boxes_of(self, track: Track, at: float) -> list[Box]:
        before, after = track.around(at)
        rules = self._rules
        if before is None and after is not None and after.at - at > self._before_s:
            return []
        if after is None and before is not None and at - before.at > rules.coast_s:
            return []
        distance_s = min(abs(at - seen.at) for seen in (before, after) if seen is not None)
        box = track.box_at(at)
        share = min(rules.grow_per_s * distance_s, rules.max_grow)
        if before is None or after is None:
            box = _union(box, track.last.box_xyxy if after is None else track.sightings[0].box_xyxy)
            if self._gap_s(at) > rules.steady_s:
                share = max(share, min(rules.drift_per_s * distance_s, rules.max_drift))
        return [_grown(box, share)]

    def _gap_s(self, at: float) -> float:
        """How far the looks around the moment are apart; after the last one, the last two."""
        looks = self._looked_at
        index = min(bisect_left(looks, at), len(looks) - 1)
        return looks[index] - looks[index - 1] if index > 0 else 0.0


def _outermost(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the boxes that lie wholly in another one (of equal ones, the first stays)."""
    outer, inner = boxes[:, None], boxes[None]
    inside = (outer[..., :2] <= inner[..., :2]).all(2) & (outer[..., 2:] >= inner[..., 2:]).all(2)
    same = inside & inside.T
    inside &= ~same | np.triu(same, 1)
    return boxes[~inside.any(axis=0)]


def _lone(sighting: Sighting) -> Track:
    """A sighting of no track is covered for itself, until a track begins with it."""
    track = Track(0)
    track.add(sighting)
    return track


def _union(first: Box, second: Box) -> Box:
    return np.concatenate([np.minimum(first[:2], second[:2]), np.maximum(first[2:], second[2:])])


def _grown(box: Box, share: float) -> Box:
    by = share * float(max(box[2] - box[0], box[3] - box[1]))
    return np.array([box[0] - by, box[1] - by, box[2] + by, box[3] + by])
