"""Boxes of one camera over time: association by the `trackers` library, history and interpolation by us.

The library (ByteTrack, Zhang et al. 2022, https://arxiv.org/abs/2110.06864) says which detections are the
same thing. What it lacks is added here: the first sighting of a track (it numbers a track only at the
second one), boxes between two sightings, boxes after the last one, and time stamps that arrive late.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import supervision as sv
from numpy.typing import NDArray
from trackers import ByteTrackTracker

from inference_workers.engine.boxes import iou_xyxy
from inference_workers.engine.frame import Detections

# The first sighting of a track is looked for this far back.
LINK_S = 1.5
# A new track that begins where one was lost goes on with it for this long: what stands still is the same.
REVIVE_S = 15.0
REVIVE_IOU = 0.5
# A track keeps its sightings this long; the display never lags further behind.
MEMORY_S = 12.0
MAX_SPEED_HORIZON_S = 0.5

Box = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One detection of one thing. `box_xyxy` is float64 (4,) in pixels, `at` POSIX seconds."""

    at: float
    seq: int
    box_xyxy: Box
    score: float
    label: str


@dataclass(slots=True)
class Track:
    """The sightings of one thing in the order of time; `track_id` is never used again.

    Once `closed` it is over: the same thing seen later is another track.
    """

    track_id: int
    sightings: list[Sighting] = field(default_factory=list)
    hits: int = 0
    first_at: float = 0.0
    missed_looks: int = 0
    closed: bool = False

    @property
    def last(self) -> Sighting:
        return self.sightings[-1]

    def add(self, sighting: Sighting) -> None:
        if not self.hits:
            self.first_at = sighting.at
        self.hits += 1
        self.missed_looks = 0
        self.sightings.append(sighting)
        while self.sightings[0].at < sighting.at - MEMORY_S:
            self.sightings.pop(0)

    def around(self, at: float) -> tuple[Sighting | None, Sighting | None]:
        """The sightings at or before, and at or after the moment."""
        before = after = None
        for sighting in self.sightings:
            if sighting.at <= at:
                before = sighting
            if sighting.at >= at:
                after = sighting
                break
        return before, after

    def box_at(self, at: float) -> Box:
        """The box (4,) at a moment: between two sightings on the line between them, outside extrapolated
        by the nearest two for half a second at most."""
        before, after = self.around(at)
        if before is not None and after is not None:
            return _between(before, after, at)
        edge = self.sightings[-2:] if after is None else self.sightings[:2]
        anchor = self.sightings[-1] if after is None else self.sightings[0]
        if len(edge) < 2:
            return anchor.box_xyxy
        ahead = float(np.clip(at - anchor.at, -MAX_SPEED_HORIZON_S, MAX_SPEED_HORIZON_S))
        return anchor.box_xyxy + _shift_per_s(edge[0], edge[1]) * ahead


def _between(before: Sighting, after: Sighting, at: float) -> Box:
    gap = after.at - before.at
    share = (at - before.at) / gap if gap > 0 else 0.0
    return before.box_xyxy * (1 - share) + after.box_xyxy * share


def _shift_per_s(first: Sighting, second: Sighting) -> Box:
    """Speed of the box's centre in px/s, as (vx, vy, vx, vy); the size stays."""
    gap = max(second.at - first.at, 1e-3)
    centres = [(box[:2] + box[2:]) / 2 for box in (first.box_xyxy, second.box_xyxy)]
    speed = (centres[1] - centres[0]) / gap
    return np.concatenate([speed, speed])


class BoxTracker:
    """Tracks of one camera and one kind of thing; no state is shared between instances.

    Args:
        min_score: detections below it are no sightings.
        min_iou: overlap from which two boxes may be the same thing.
        keep_s: how long a track that is not seen may be taken up again.
        rate_fps: the usual number of looks per second.
        ids: where new track numbers come from; give it to several trackers that share the numbers.
    """

    def __init__(
        self,
        *,
        min_score: float = 0.2,
        min_iou: float = 0.1,
        keep_s: float = 2.0,
        rate_fps: float = 5.0,
        ids: Iterator[int] | None = None,
    ) -> None:
        self._min_score = min_score
        self._keep_s = keep_s
        self._ids = ids or count(1)
        self._library = ByteTrackTracker(
            lost_track_buffer=max(1, round(keep_s * 30)),
            frame_rate=rate_fps,
            track_activation_threshold=min_score,
            high_conf_det_threshold=min_score,
            minimum_consecutive_frames=1,
            minimum_iou_threshold=min_iou,
        )
        self._by_library_id: dict[int, Track] = {}
        self._loose: list[Sighting] = []
        self._last_at = -np.inf

    def reset(self) -> None:
        """Forget every association (after a scene cut); numbers go on counting."""
        self._library.reset()
        self._by_library_id.clear()
        self._loose.clear()
        self._last_at = -np.inf

    def update(self, at: float, seq: int, found: Detections) -> tuple[list[Track], list[Sighting]]:
        """Take in one look.

        Returns:
            the tracks that were seen in it (already extended), and the sightings of no track (yet).
            A look that is older than the last one, or as old, is associated with nothing.
        """
        sightings = self._sightings(at, seq, found)
        if at <= self._last_at:
            return [], sightings
        self._last_at = at
        self._forget(at)
        numbers = self._associate(at, sightings)
        seen, loose = [], []
        for number, sighting in zip(numbers, sightings, strict=True):
            if number < 0:
                loose.append(sighting)
            else:
                seen.append(self._extend(number, sighting))
        self._loose.extend(loose)
        self._count_missed(seen)
        return seen, loose

    def _count_missed(self, seen: Sequence[Track]) -> None:
        numbers = {track.track_id for track in seen}
        for track in self._by_library_id.values():
            track.missed_looks += track.track_id not in numbers

    def _sightings(self, at: float, seq: int, found: Detections) -> list[Sighting]:
        labels = found.labels() if found.classes else [""] * len(found)
        rows = zip(found.boxes_xyxy.astype(np.float64), found.scores, labels, strict=True)
        return [
            Sighting(at, seq, box, float(score), label)
            for box, score, label in rows
            if score >= self._min_score and box[2] > box[0] and box[3] > box[1]
        ]

    def _associate(self, at: float, sightings: Sequence[Sighting]) -> list[int]:
        """The library's number per sighting, -1 for none."""
        if not sightings:
            self._library_update(sv.Detections.empty(), at)
            return []
        detections = sv.Detections(
            xyxy=np.stack([sighting.box_xyxy for sighting in sightings]).astype(np.float32),
            confidence=np.array([sighting.score for sighting in sightings], np.float32),
            class_id=np.arange(len(sightings)),  # carries our index: the library changes the order
        )
        tracked = self._library_update(detections, at)
        numbers = [-1] * len(sightings)
        if tracked.class_id is not None and tracked.tracker_id is not None:
            for index, number in zip(tracked.class_id, tracked.tracker_id, strict=True):
                numbers[int(index)] = int(number)
        return numbers

    def _library_update(self, detections: sv.Detections, at: float) -> sv.Detections:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # overflow chatter of the library's Kalman filter
            return self._library.update(detections, timestamp=at)

    def _extend(self, number: int, sighting: Sighting) -> Track:
        track = self._by_library_id.get(number)
        if track is None or track.closed:
            first = self._take_first(sighting)
            track = self._lost_here(sighting) or Track(next(self._ids))
            self._by_library_id[number] = track
            if first is not None and (not track.hits or first.at > track.last.at):
                track.add(first)
        track.add(sighting)
        return track

    def _lost_here(self, sighting: Sighting) -> Track | None:
        """Take out the open track that was lost in the same place a short while ago."""
        for number, track in self._by_library_id.items():
            if track.closed or not track.missed_looks:
                continue
            if iou_xyxy(track.last.box_xyxy[None], sighting.box_xyxy[None])[0, 0] >= REVIVE_IOU:
                del self._by_library_id[number]
                return track
        return None

    def _take_first(self, second: Sighting) -> Sighting | None:
        """The loose sighting with which a track began that the library numbers only now."""
        if not self._loose:
            return None
        boxes = np.stack([sighting.box_xyxy for sighting in self._loose])
        overlaps = iou_xyxy(boxes, second.box_xyxy[None])[:, 0]
        best = int(np.argmax(overlaps))
        return self._loose.pop(best) if overlaps[best] > 0 else None

    def _forget(self, at: float) -> None:
        self._loose = [item for item in self._loose if item.at > at - LINK_S]
        gone = [
            number
            for number, track in self._by_library_id.items()
            if track.last.at < at - max(self._keep_s, REVIVE_S)
        ]
        for number in gone:
            del self._by_library_id[number]
