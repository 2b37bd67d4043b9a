"""From tracks to events: one `TrackResult` per tracked object, told when sure, when changed, when over."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from inference_workers.contracts.frames import Found
from inference_workers.contracts.lease import Cascade, Lease, ModelRef, Zone
from inference_workers.contracts.results import ReadingResult, TrackResult
from inference_workers.engine.cascades import (
    CascadeBook,
    CropLook,
    is_large_enough,
    longest_waiting,
    looks_at,
)
from inference_workers.engine.clothing import Clothing
from inference_workers.engine.persons import PERSON_LABELS
from inference_workers.engine.tracking import Box, Track
from inference_workers.engine.zones import ZoneMap

CONFIRM_HITS = 3
CONFIRM_S = 0.5
UPDATE_EVERY_S = 2.0
END_UNSEEN_S = 2.0
END_MISSED_LOOKS = 2
# What stands still does not vanish by itself: a detector that blinks must not make new events of it.
STILL_AFTER_S = 5.0
STILL_END_UNSEEN_S = 15.0
STILL_SHARE = 0.5
MAX_PATH = 64
MOTION = "motion"
MOTION_MIN_S = 1.5
MOTION_MIN_AREA = 0.002
# Digits of a clock, leaves and flicker move without getting anywhere: share of the picture's width or height.
MOTION_MIN_TRAVEL = 0.06
MOTION_EXPLAINED_SHARE = 0.3
MOTION_OVERLAP = 0.25

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LookedBy:
    """The version that made a look; `zones`: by id, the one that did in a zone with its own detector."""

    model: ModelRef
    zones: Mapping[str, ModelRef] = field(default_factory=dict)


@dataclass(slots=True)
class Event:
    """What is known about one tracked object so far. Boxes are normalised 0..1."""

    track: Track
    model: ModelRef
    votes: Counter[str] = field(default_factory=Counter)
    confidence: float = 0.0
    best_box_xyxy: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    path: list[tuple[float, float, float]] = field(default_factory=list)
    path_gap_s: float = 0.0
    zone_ids: list[str] = field(default_factory=list)
    revision: int = 0
    told_at: float = 0.0
    told_hits: int = 0
    explained_hits: int = 0
    area_sum: float = 0.0
    ended: bool = False
    snapshot_key: str | None = None
    snapshot_redaction: str | None = None
    clothing: Clothing = field(default_factory=Clothing)
    cascades: CascadeBook = field(default_factory=CascadeBook)

    @property
    def label(self) -> str:
        return max(self.votes, key=lambda name: self.votes[name])

    @property
    def is_person(self) -> bool:
        return self.label in PERSON_LABELS

    @property
    def hits(self) -> int:
        return self.track.hits

    def see(self, size: Size, model: ModelRef, zones: ZoneMap) -> None:
        """Take in the newest sighting of the track, which this version made."""
        seen = self.track.last
        box = normalised(seen.box_xyxy, size)
        self.votes[seen.label] += max(1, round(seen.score * 100))
        area = (box[2] - box[0]) * (box[3] - box[1])
        self.area_sum += area
        if seen.score > self.confidence:
            self.confidence, self.best_box_xyxy, self.model = seen.score, box, model
        self._extend_path(box)
        for zone_id in zones.watched_by(seen.box_xyxy, *size):
            if zone_id not in self.zone_ids:
                self.zone_ids.append(zone_id)

    def _extend_path(self, box: tuple[float, float, float, float]) -> None:
        after_s = round(self.track.last.at - self.track.first_at, 3)
        if self.path and after_s - self.path[-1][0] < self.path_gap_s:
            return
        centre = (round((box[0] + box[2]) / 2, 4), round((box[1] + box[3]) / 2, 4))
        self.path.append((after_s, *centre))
        if len(self.path) > MAX_PATH:
            self.path = self.path[::2]
            self.path_gap_s = max(2 * self.path_gap_s, 2 * after_s / MAX_PATH)

    def is_confirmed(self) -> bool:
        """Sure enough to be told; bare motion only when nothing else explains it."""
        lasted_s = self.track.last.at - self.track.first_at
        if self.label != MOTION:
            return self.hits >= CONFIRM_HITS or (self.hits >= 2 and lasted_s >= CONFIRM_S)
        return (
            self.hits >= CONFIRM_HITS
            and lasted_s >= MOTION_MIN_S
            and self.area_sum / self.hits >= MOTION_MIN_AREA
            and self._has_travelled()
            and not self.is_explained()
        )

    def _has_travelled(self) -> bool:
        centres = np.array([point[1:] for point in self.path])
        return bool(np.ptp(centres, axis=0).max() >= MOTION_MIN_TRAVEL)

    def is_explained(self) -> bool:
        return self.explained_hits > MOTION_EXPLAINED_SHARE * self.hits

    def is_over(self, now: float) -> bool:
        """Unseen for a while although it was looked for."""
        if self.track.missed_looks < END_MISSED_LOOKS:
            return now - self.track.last.at > 4 * STILL_END_UNSEEN_S
        patience_s = STILL_END_UNSEEN_S if self.is_still() else END_UNSEEN_S
        return now - self.track.last.at > patience_s

    def is_still(self) -> bool:
        """Has it stayed where it is for a while, as a parked car does?"""
        sightings = self.track.sightings
        if self.label == MOTION or self.track.last.at - self.track.first_at < STILL_AFTER_S:
            return False
        recent = [item.box_xyxy for item in sightings if item.at > self.track.last.at - STILL_AFTER_S]
        centres = np.array([(box[:2] + box[2:]) / 2 for box in recent])
        side = float(np.max(recent[-1][2:] - recent[-1][:2]))
        return bool(np.ptp(centres, axis=0).max() < STILL_SHARE * side)

    def result(self, lease: Lease, epoch: str) -> TrackResult:
        return TrackResult(
            camera_id=lease.camera_id,
            epoch=epoch,
            track_id=self.track.track_id,
            revision=self.revision,
            ended=self.ended,
            label=self.label,
            confidence=min(max(self.confidence, 0.0), 1.0),
            first_seen_at=self.track.first_at,
            last_seen_at=self.track.last.at,
            best_box_xyxy=self.best_box_xyxy,
            path=tuple(self.path),
            zone_ids=tuple(self.zone_ids),
            model=self.model,
            lease_id=lease.lease_id,
            snapshot_key=self.snapshot_key,
            snapshot_redaction=self.snapshot_redaction,
            upper_colour=self.clothing.upper if self.is_person else None,
            lower_colour=self.clothing.lower if self.is_person else None,
            attributes=self.cascades.attributes(),
        )


def merit(score: float, area: float) -> float:
    """How good a picture of the object is: sure and large."""
    return float(score * np.sqrt(max(area, 0.0)))


def normalised(box_xyxy: Box, size: Size) -> tuple[float, float, float, float]:
    """Pixels to 0..1 of the picture, clipped to it."""
    x1, y1, x2, y2 = (np.clip(box_xyxy / np.array([*size, *size]), 0, 1)).tolist()
    return (x1, y1, x2, y2)


class EventBook:
    """The events of one camera that are not over yet."""

    def __init__(self) -> None:
        self._events: dict[int, Event] = {}

    def __iter__(self) -> Iterator[Event]:
        return iter(tuple(self._events.values()))

    def see(self, tracks: Sequence[Track], by: LookedBy, size: Size, zones: ZoneMap) -> None:
        """Take in the tracks that were seen in one look."""
        for track in tracks:
            model = by.zones.get(zones.detected_in(track.last.box_xyxy, *size), by.model)
            event = self._events.get(track.track_id)
            if event is None:
                event = self._events[track.track_id] = Event(track, model)
            if track.last.label == MOTION and self._explains(track):
                event.explained_hits += 1
            event.see(size, model, zones)

    def crops_due(self, cascade: Cascade, seq: int, zones: Sequence[Zone], size: Size) -> CropLook | None:
        """The things of this frame that may go on to a cascade now; None when there is nothing to ask."""
        candidates = []
        for event in self._events.values():
            seen = event.track.last
            if seen.seq != seq or event.ended or event.label not in cascade.labels:
                continue
            box = normalised(seen.box_xyxy, size)
            fits = event.is_confirmed() and is_large_enough(box, *size) and looks_at(cascade, zones, box)
            if fits and event.cascades.is_due(cascade, seen.at, box):
                candidates.append((event.cascades, event.track.track_id, box))
        chosen = longest_waiting(cascade, candidates)
        if not chosen:
            return None
        return CropLook(cascade, tuple(item[1] for item in chosen), tuple(item[2] for item in chosen))

    def crops_asked(self, look: CropLook, at: float) -> None:
        for track_id, box in zip(look.track_ids, look.crops_xyxy, strict=True):
            if (event := self._events.get(track_id)) is not None:
                event.cascades.ask(look.cascade, at, box)

    def crops_lost(self, look: CropLook) -> None:
        """Nobody answered: they are asked again soon."""
        for track_id in look.track_ids:
            if (event := self._events.get(track_id)) is not None:
                event.cascades.lose(look.cascade)

    def hear(self, look: CropLook, found: Sequence[Found], model: ModelRef) -> None:
        """Take in what a classifier said about the crops of a look; what is over by now hears nothing."""
        for track_id, answer in zip(look.track_ids, found, strict=True):
            if (event := self._events.get(track_id)) is not None:
                event.cascades.hear(look.cascade.cascade_id, answer, model)

    def _explains(self, motion: Track) -> bool:
        """Does another tracked object overlap the moving region at that moment?"""
        box = motion.last.box_xyxy
        return any(
            _overlap_of_smaller(event.track.box_at(motion.last.at), box) > MOTION_OVERLAP
            for event in self._events.values()
            if event.votes and event.label != MOTION
        )

    @staticmethod
    def _is_news(event: Event, now: float) -> bool:
        if not event.revision:
            return event.is_confirmed()
        grew = event.hits > event.told_hits and now - event.told_at >= UPDATE_EVERY_S
        return event.ended or grew

    def end_all(self) -> None:
        for event in self._events.values():
            event.ended = event.track.closed = True

    def changed(self, now: float, ready: Callable[[Event, float], bool]) -> list[Event]:
        """Events to tell now, their revision raised; those that are over are forgotten.

        `ready` says whether an event may be told yet (it may wait for its snapshot).
        """
        told = []
        for track_id, event in list(self._events.items()):
            event.ended = event.ended or event.is_over(now)
            if self._is_news(event, now) and (event.ended or ready(event, now)):
                event.revision += 1
                event.told_at, event.told_hits = now, event.hits
                told.append(event)
            if event.ended:
                event.track.closed = True
                del self._events[track_id]
        return told

    def attach(self, reading: ReadingResult, size: Size) -> ReadingResult:
        """Name the tracked object on which the text was read: the smallest box that holds its middle."""
        x = (reading.box_xyxy[0] + reading.box_xyxy[2]) / 2
        y = (reading.box_xyxy[1] + reading.box_xyxy[3]) / 2
        holders = []
        for event in self._events.values():
            x1, y1, x2, y2 = normalised(event.track.box_at(reading.read_at), size)
            if event.label != MOTION and x1 <= x <= x2 and y1 <= y <= y2:
                holders.append(((x2 - x1) * (y2 - y1), event.track.track_id))
        return replace(reading, track_id=min(holders)[1]) if holders else reading


def _overlap_of_smaller(first: Box, second: Box) -> float:
    """Intersection as a share of the smaller of the two boxes."""
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    smaller = min(float(np.prod(first[2:] - first[:2])), float(np.prod(second[2:] - second[:2])))
    return float(np.prod(np.clip(sides, 0, None)) / smaller) if smaller > 0 else 0.0
