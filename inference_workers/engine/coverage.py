"""Who and what is covered in the frames of one camera: its policy, stricter zones, and what was looked for.

A target of the camera that nobody looked for turns the whole frame into a mosaic; one that only a zone asks
for turns that zone solid. A zone adds to what its camera covers and never takes anything away.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inference_workers.contracts.lease import Lease, Stage, Target, Zone, ZoneKind
from inference_workers.engine.boxes import iou_xyxy
from inference_workers.engine.covers import CoverRules, CoverTracker
from inference_workers.engine.display import LookLog, LookRules
from inference_workers.engine.frame import Detections, Frame
from inference_workers.engine.persons import heads_of
from inference_workers.engine.redaction import Polygon, RedactedFrame, mosaic_frame, redact
from inference_workers.engine.zones import touches

Boxes = NDArray[np.float64]
Scene = tuple[float, float]

KNOWN_TARGETS = frozenset(Target)
# Who walks across the view moves by nine widths of a face in a second (1.4 m/s, 0.16 m).
FACE_COVERS = CoverRules(drift_per_s=9.0, max_drift=2.0)
PERSON_COVERS = CoverRules(min_score=0.15, before_s=1.0, coast_s=2.5, grow_per_s=0.4, max_grow=0.4)
# Whoever is surely a person has a head, found as a face or not. Nobody has to have looked for persons: this
# is beyond what the policy asks for.
SURE_PERSON_COVERS = replace(PERSON_COVERS, min_score=0.35, coast_s=1.5)
# A line of text is long and moves with what it is written on: its cover grows by little, and stays for long.
TEXT_COVERS = CoverRules(min_score=0.1, before_s=1.5, coast_s=3.5, grow_per_s=0.1, max_grow=0.15)
FACE_LOOKS = LookRules()
# People are looked for less often while nothing moves; their boxes are large and coast for long.
PERSON_LOOKS = LookRules(ahead_s=2.5, behind_s=2.5, near_s=2.5)
# So is text. It may be on what moves, faster than its covers grow: that is covered itself (`_with_moved`).
TEXT_LOOKS = LookRules(ahead_s=2.5, behind_s=2.5, near_s=2.5)
# What has to be looked for so that a target can be covered, and the stage that allows it.
LOOKED_FOR = {
    Target.FACE: Target.FACE,
    Target.HEAD: Target.PERSON,
    Target.PERSON: Target.PERSON,
    Target.TEXT: Target.TEXT,
}
STAGES = {Target.FACE: Stage.FACES, Target.PERSON: Stage.DETECT, Target.TEXT: Stage.TEXT_BOXES}


@dataclass(frozen=True, slots=True)
class _Sight:
    """What is known of one kind of thing: where it was seen, and when it was looked for."""

    covers: CoverTracker
    looks: LookLog


class Coverage:
    """Covers of one camera. Not thread safe."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self.restart()
        self.update_lease(lease)

    def restart(self) -> None:
        """Forget everything that is measured in pixels."""
        self._sights = {
            Target.FACE: _Sight(CoverTracker(FACE_COVERS), LookLog(FACE_LOOKS)),
            Target.PERSON: _Sight(CoverTracker(PERSON_COVERS), LookLog(PERSON_LOOKS)),
            Target.TEXT: _Sight(CoverTracker(TEXT_COVERS), LookLog(TEXT_LOOKS)),
        }
        self._sure_persons = CoverTracker(SURE_PERSON_COVERS)
        self._reach_back()

    def update_lease(self, lease: Lease) -> None:
        """Policy, zones and stages count from the next frame on."""
        self._lease = lease
        self._masks = tuple(zone.polygon for zone in lease.zones if zone.kind is ZoneKind.PRIVACY_MASK)
        self._stricter = tuple(zone for zone in lease.zones if zone.targets)
        self._reach_back()

    def _reach_back(self) -> None:
        """A longer delay lets what is found now cover more of what came before it."""
        for covers in (*(sight.covers for sight in self._sights.values()), self._sure_persons):
            covers.reach_back(self._lease.redaction.display_delay_s)

    def add(self, kind: Target, seq: int, at: float, found: Detections | None, *, crossed: bool) -> None:
        """Take in one look for faces, persons or text in pixels; None: it could not be looked.

        Args:
            crossed: a scene cut lies between the last look of this kind and this one.
        """
        sight = self._sights[kind]
        sight.looks.add(at, could=found is not None)
        if found is None:
            return
        trackers = [sight.covers, self._sure_persons] if kind is Target.PERSON else [sight.covers]
        for tracker in trackers:
            if crossed:
                tracker.cut()
            tracker.add(at, seq, found)

    def forget_before(self, at: float) -> None:
        """Drop what can cover nothing from `at` on."""
        for sight in self._sights.values():
            sight.covers.forget_before(at)
            sight.looks.clear_before(at - 10.0)
        self._sure_persons.forget_before(at)

    def redact(self, frame: Frame, scene: Scene) -> RedactedFrame:
        """The frame with its people covered, as far as they were looked for within `scene`."""
        policy, at = self._lease.redaction, frame.grabbed_at
        targets = {Target.FACE, *policy.targets}
        if not self._is_known(targets, frame, scene):
            return mosaic_frame(frame, self._masks)
        boxes = [self._boxes(target, frame, scene) for target in sorted(targets)]
        if not {Target.HEAD, Target.PERSON} & targets:
            boxes.append(heads_of(self._sure_persons.boxes_at(at, frame.width, frame.height)))
        masks: list[Polygon] = list(self._masks)
        for zone in self._stricter:
            if self._is_known(zone.targets, frame, scene):
                boxes += self._inside(zone, targets, frame, scene)
            else:
                masks.append(zone.polygon)
        return redact(frame, np.concatenate(boxes), policy, masks)

    def _is_known(self, targets: Iterable[str], frame: Frame, scene: Scene) -> bool:
        """Was everything looked for that these targets cover? What is no known target, never."""
        return all(
            target in KNOWN_TARGETS and self._was_looked(Target(target), frame, scene) for target in targets
        )

    def _was_looked(self, target: Target, frame: Frame, scene: Scene) -> bool:
        kind, moved = LOOKED_FOR[target], frame.moved_xyxy
        still = moved is not None and (len(moved) == 0 or kind is Target.TEXT)
        looks = self._sights[kind].looks
        return self._lease.allows(STAGES[kind]) and looks.allows(frame.grabbed_at, scene, still=still)

    def _inside(self, zone: Zone, everywhere: set[str], frame: Frame, scene: Scene) -> list[Boxes]:
        """What the zone covers beyond the camera: boxes that touch it."""
        found = [self._boxes(target, frame, scene) for target in zone.targets if target not in everywhere]
        return [boxes[touches(zone.polygon, boxes, frame.width, frame.height)] for boxes in found]

    def _boxes(self, target: str, frame: Frame, scene: Scene) -> Boxes:
        kind = LOOKED_FOR[Target(target)]
        sight = self._sights[kind]
        boxes = sight.covers.boxes_at(frame.grabbed_at, frame.width, frame.height)
        if kind is Target.TEXT:
            looked = sight.looks.allows(frame.grabbed_at, scene, still=False)
            return _with_moved(boxes, frame, only_touched=looked)
        return heads_of(boxes) if target == Target.HEAD else boxes


def _with_moved(text: Boxes, frame: Frame, *, only_touched: bool) -> Boxes:
    """Text and what moves and may carry some: what touches text or, without a look after it, everything."""
    if frame.moved_xyxy is None:
        return text
    moved = frame.moved_xyxy.astype(np.float64)
    if only_touched:
        moved = moved[np.any(iou_xyxy(moved, text) > 0, axis=1)]
    return np.concatenate([text, moved])
