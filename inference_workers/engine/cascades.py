"""Cascades: which of the tracked things go on to a classifier or a reader, when, and what became of it.

A thing is looked at when it is sure to be there, then again after `every_s` at the earliest, or when it has
come clearly nearer: never in every frame, so the cost is bounded by what is in the picture and by the clock.
The answers vote; what most of them say is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from inference_workers.contracts.frames import Found
from inference_workers.contracts.lease import Cascade, ModelRef, Stage, Zone, ZoneKind
from inference_workers.contracts.results import TrackAttribute
from inference_workers.engine.zones import Polygon, stands_in

# By how much a box must have grown in area for its pixels to tell more than before.
GREW = 1.5
GREW_AFTER_S = 0.5
# Below this a crop holds too little to be named or read.
LEAST_CROP_PX = 24
# A look that was lost is tried again after this, should `every_s` be longer.
RETRY_AFTER_S = 1.0
# What one frame may cost, in crops.
MAX_CROPS = 8
# A line at the edge of a thing reaches beyond its box.
READ_AROUND = 0.08

BoxXyxy = tuple[float, float, float, float]


@dataclass(slots=True)
class _Said:
    """One class: in how many crops, the sum of its scores, its surest crop and who said so there."""

    looks: int = 0
    weight: float = 0.0
    best: float = 0.0
    model: ModelRef | None = None


@dataclass(slots=True)
class Told:
    """What one cascade asked and heard about one thing."""

    name: str
    asked_at: float = float("-inf")
    asked_area: float = 0.0
    said: dict[str, _Said] = field(default_factory=dict)

    def is_due(self, cascade: Cascade, at: float, area: float) -> bool:
        since_s = at - self.asked_at
        if since_s < 0:
            return False  # a late answer of an older frame
        return since_s >= cascade.every_s or (since_s >= GREW_AFTER_S and area >= GREW * self.asked_area)

    def lose(self, cascade: Cascade) -> None:
        self.asked_at -= max(0.0, cascade.every_s - RETRY_AFTER_S)

    def hear(self, label: str, score: float, model: ModelRef) -> None:
        if not label:
            return
        said = self.said.setdefault(label, _Said())
        said.looks += 1
        said.weight += score
        if score > said.best:
            said.best, said.model = score, model

    def attribute(self, cascade_id: str) -> TrackAttribute | None:
        """What most answers say; None while nothing was sure enough."""
        value = max(self.said, key=lambda label: self.said[label].weight, default="")
        said = self.said.get(value)
        if said is None or said.model is None:
            return None
        return TrackAttribute(cascade_id, self.name, value, min(said.best, 1.0), said.looks, said.model)


@dataclass(slots=True)
class CascadeBook:
    """What the cascades know about one thing, by cascade."""

    _told: dict[str, Told] = field(default_factory=dict)

    def is_due(self, cascade: Cascade, at: float, box_xyxy: BoxXyxy) -> bool:
        told = self._told.get(cascade.cascade_id)
        return told is None or told.is_due(cascade, at, _area(box_xyxy))

    def waited_since(self, cascade: Cascade) -> float:
        told = self._told.get(cascade.cascade_id)
        return told.asked_at if told is not None else float("-inf")

    def ask(self, cascade: Cascade, at: float, box_xyxy: BoxXyxy) -> None:
        told = self._told.setdefault(cascade.cascade_id, Told(cascade.name))
        told.asked_at, told.asked_area = at, _area(box_xyxy)

    def lose(self, cascade: Cascade) -> None:
        if (told := self._told.get(cascade.cascade_id)) is not None:
            told.lose(cascade)

    def hear(self, cascade_id: str, found: Found, model: ModelRef) -> None:
        if (told := self._told.get(cascade_id)) is not None:
            told.hear(found.label, found.score, model)

    def attributes(self) -> tuple[TrackAttribute, ...]:
        found = (told.attribute(cascade_id) for cascade_id, told in self._told.items())
        return tuple(item for item in found if item is not None)


@dataclass(frozen=True, slots=True)
class CropLook:
    """The crops of one frame for one cascade: track ids and normalised boxes, in the same order."""

    cascade: Cascade
    track_ids: tuple[int, ...]
    crops_xyxy: tuple[BoxXyxy, ...]


def is_large_enough(box_xyxy: BoxXyxy, width: int, height: int) -> bool:
    left, top, right, bottom = box_xyxy
    return min((right - left) * width, (bottom - top) * height) >= LEAST_CROP_PX


def around(box_xyxy: BoxXyxy) -> tuple[tuple[float, float], ...]:
    """The part of the picture to read for a thing, as a polygon."""
    left, top, right, bottom = box_xyxy
    dx, dy = READ_AROUND * (right - left), READ_AROUND * (bottom - top)
    left, right = max(0.0, left - dx), min(1.0, right + dx)
    top, bottom = max(0.0, top - dy), min(1.0, bottom + dy)
    return (left, top), (right, top), (right, bottom), (left, bottom)


def looks_at(cascade: Cascade, zones: Sequence[Zone], box_xyxy: BoxXyxy) -> bool:
    """Does the box stand where the cascade may look?

    That is its zone, of which nothing is left when it was removed; and where zones to read are drawn, no
    cascade reads elsewhere.
    """
    own = [zone.polygon for zone in zones if zone.zone_id == cascade.zone_id]
    if cascade.zone_id is not None and not _in_one(own, box_xyxy):
        return False
    readable = [zone.polygon for zone in zones if zone.kind is ZoneKind.READ_TEXT]
    return cascade.stage is not Stage.TEXT or not readable or _in_one(readable, box_xyxy)


def _in_one(polygons: Sequence[Polygon], box_xyxy: BoxXyxy) -> bool:
    return any(stands_in(polygon, box_xyxy) for polygon in polygons)


def longest_waiting(
    cascade: Cascade, candidates: Sequence[tuple[CascadeBook, int, BoxXyxy]]
) -> list[tuple[CascadeBook, int, BoxXyxy]]:
    """No more than one frame may cost: what was never looked at first, then what waited longest."""
    return sorted(candidates, key=lambda entry: entry[0].waited_since(cascade))[:MAX_CROPS]


def _area(box_xyxy: BoxXyxy) -> float:
    return (box_xyxy[2] - box_xyxy[0]) * (box_xyxy[3] - box_xyxy[1])
