"""One camera from frames and detections to redacted pictures, events and readings.

Pure: time is passed in, nothing is read or written. The display runs `display_delay_s` behind the camera.
A frame is shown with its faces covered only when faces were looked for around it; otherwise as a mosaic.
"""

from collections.abc import Sequence
from itertools import count

import numpy as np

from inference_workers.contracts.frames import Found
from inference_workers.contracts.lease import Lease, ModelRef, Stage, Target
from inference_workers.contracts.live import LiveBox
from inference_workers.contracts.results import ReadingResult
from inference_workers.engine.cascades import CropLook
from inference_workers.engine.coverage import Coverage
from inference_workers.engine.display import (
    CutDetector,
    DisplayFrame,
    FrameQueue,
    Report,
)
from inference_workers.engine.events import MOTION, Event, EventBook, LookedBy, Size, normalised
from inference_workers.engine.frame import Detections, Frame
from inference_workers.engine.originals import OriginalKeeper
from inference_workers.engine.persons import PERSON_LABELS
from inference_workers.engine.readings import ReadingBook
from inference_workers.engine.recorder import Recorder, Scene, Segment
from inference_workers.engine.snapshots import SnapshotDesk
from inference_workers.engine.tracking import BoxTracker
from inference_workers.engine.zones import ZoneMap

MAX_DELAY_S = 10.0
OBJECT_MIN_SCORE = 0.2
LIVE_COAST_S = 1.0
RECORDED_UNSEEN_S = 0.5
KEEP_CUTS_S = 30.0


class CameraPipeline:
    """State of one camera's run. Not thread safe: one thread calls it."""

    def __init__(self, lease: Lease) -> None:
        self._ids = count(1)
        self._queue = FrameQueue()
        self._cut_detector = CutDetector()
        self._cuts: list[float] = []
        self._size: Size = (0, 0)
        self._size_since = -np.inf
        self._epoch = ""
        self._events = EventBook()
        self._desk = SnapshotDesk()
        self._readings: ReadingBook | None = None
        self._untold: list[ReadingResult] = []
        self._last_shown_at = -np.inf
        self.recorder = Recorder(lease, OriginalKeeper())
        self._coverage = Coverage(lease)
        self._start_scene()
        self.update_lease(lease)

    def update_lease(self, lease: Lease) -> None:
        """Zones, masks, policy and stages count from the next call on, for waiting frames too."""
        self._lease = lease
        self._zones = ZoneMap(lease.zones)
        self._delay_s = min(max(lease.redaction.display_delay_s, 0.0), MAX_DELAY_S)
        self._coverage.update_lease(lease)
        self.recorder.update_lease(lease)

    def _start_scene(self) -> None:
        """Forget everything that is measured in pixels."""
        self._coverage.restart()
        self._trackers: dict[str, BoxTracker] = {}
        self._looked_at: dict[str, float] = {}

    # --- what comes in

    def add_frame(self, frame: Frame) -> None:
        """A captured frame that may be displayed; its image must stay as it is until it was due."""
        self._epoch = self.recorder.epoch = frame.epoch
        if (frame.width, frame.height) != self._size:
            self._change_size(frame)
        if self._cut_detector.is_cut(frame.image):
            self._cuts.append(frame.grabbed_at)
        self._queue.add(frame)

    def _change_size(self, frame: Frame) -> None:
        """Boxes in pixels of the old size mean nothing now; the frames that needed them go too."""
        self._size = (frame.width, frame.height)
        self._size_since = frame.grabbed_at
        self._queue.clear()
        self._events.end_all()
        self._start_scene()

    def add_faces(self, seq: int, grabbed_at: float, faces: Detections | None) -> None:
        """Faces of an analysed frame in pixels; None: they could not be looked for."""
        if grabbed_at < self._size_since:
            return
        crossed = faces is not None and self._crosses_cut("faces", grabbed_at)
        self._coverage.add(Target.FACE, seq, grabbed_at, faces, crossed=crossed)

    def add_text_boxes(self, seq: int, grabbed_at: float, text: Detections | None) -> None:
        """Where text is in an analysed frame, in pixels, to be covered; None: it could not be looked for."""
        if grabbed_at < self._size_since:
            return
        crossed = text is not None and self._crosses_cut("text", grabbed_at)
        self._coverage.add(Target.TEXT, seq, grabbed_at, text, crossed=crossed)

    def add_objects(
        self,
        seq: int,
        grabbed_at: float,
        objects: Detections,
        by: ModelRef | LookedBy,
        *,
        to_cover: Detections | None = None,
    ) -> None:
        """Objects of an analysed frame in pixels, from a detector or (class "motion") from the gate.

        Args:
            to_cover: where persons to cover are looked for, when that is more than what counts.
        """
        if grabbed_at < self._size_since or not self._size[0]:
            return
        kind = MOTION if objects.classes == (MOTION,) else "objects"
        crossed = self._crosses_cut(kind, grabbed_at)
        if kind != MOTION:
            self._add_persons(seq, grabbed_at, objects if to_cover is None else to_cover, crossed=crossed)
        tracker = self._tracker(kind)
        if crossed:
            tracker.reset()
            self._events.end_all()
        seen, _ = tracker.update(grabbed_at, seq, self._outside_ignored(objects))
        by = by if isinstance(by, LookedBy) else LookedBy(by)
        self._events.see(seen, by, self._size, self._zones)

    def crops_due(self, seq: int) -> list[CropLook]:
        """What of the objects of this frame may go on to another model now, by cascade."""
        looks = [
            self._events.crops_due(cascade, seq, self._lease.zones, self._size)
            for cascade in self._lease.cascades
            if self._lease.allows(cascade.stage)
        ]
        return [look for look in looks if look is not None]

    def crops_asked(self, look: CropLook, at: float) -> None:
        self._events.crops_asked(look, at)

    def crops_lost(self, look: CropLook) -> None:
        self._events.crops_lost(look)

    def add_classes(self, look: CropLook, found: tuple[Found, ...], model: ModelRef) -> None:
        """What a classifier said about the crops of a look, one `Found` for each in their order."""
        self._events.hear(look, found, model)

    def _add_persons(self, seq: int, at: float, objects: Detections, *, crossed: bool) -> None:
        """Persons are covered wherever they are: zones to ignore do not uncover anybody."""
        labels = objects.labels() if objects.classes else []
        persons = _chosen(objects, [name in PERSON_LABELS for name in labels])
        self._coverage.add(Target.PERSON, seq, at, persons, crossed=crossed)

    def _outside_ignored(self, objects: Detections) -> Detections:
        keep = [not self._zones.ignores(box, *self._size) for box in objects.boxes_xyxy]
        return _chosen(objects, keep)

    def _tracker(self, kind: str) -> BoxTracker:
        if kind not in self._trackers:
            rate_fps = min(max(self._lease.analysis_fps, 0.2), 30.0)
            self._trackers[kind] = BoxTracker(
                min_score=OBJECT_MIN_SCORE, keep_s=5.0, rate_fps=rate_fps, ids=self._ids
            )
        return self._trackers[kind]

    def _crosses_cut(self, kind: str, at: float) -> bool:
        """Did a scene cut happen between the last look of this kind and the one at `at`?"""
        last = self._looked_at.get(kind)
        self._looked_at[kind] = max(at, last if last is not None else at)
        return last is not None and any(last < cut <= at for cut in self._cuts)

    def add_text(self, seq: int, grabbed_at: float, found: tuple[Found, ...], model: ModelRef) -> None:
        """Lines of text of an analysed frame; boxes normalised."""
        if self._readings is None:
            self._readings = ReadingBook(self._lease.camera_id, self._epoch)
        self._untold += self._readings.add(seq, grabbed_at, found, model, self._lease)

    # --- what goes out

    def segments(self, now: float) -> list[Segment]:
        """Recorded segments that are complete by now; pictures reach the recorder as late as the display."""
        return self.recorder.finished(now - self._delay_s)

    def due(self, now: float, *, watched: bool = True) -> list[DisplayFrame]:
        """Frames whose delay is over, redacted, oldest first.

        Nothing without the stage VIEW, after the lease has run out, or while nobody watches (`watched`);
        snapshots of events need no watcher, but the same permission.
        """
        if now > self._lease.valid_until:
            self._queue.clear()
            return []
        frames = self._queue.take_due(now - self._delay_s)
        shown = [item for frame in frames if (item := self._finish(frame, watched=watched))]
        self._forget(now)
        return shown

    def _finish(self, frame: Frame, *, watched: bool) -> DisplayFrame | None:
        allowed = self._lease.allows(Stage.VIEW)
        show = allowed and watched and self._is_time(frame.grabbed_at)
        events = self._events if allowed else ()
        pictured = [event for event in events if self._desk.wants(event, frame.grabbed_at)]
        recorded = self.recorder.wants(frame.grabbed_at)
        if not (show or pictured or recorded):
            return None
        redacted = self._coverage.redact(frame, self._scene(frame.grabbed_at))
        for event in pictured:
            self._desk.offer(event, redacted, name_clothing=self._lease.allows(Stage.DETECT))
        if recorded:
            self.recorder.take(frame, redacted, self._recorded_scene(frame))
        if not show:
            return None
        self._last_shown_at = frame.grabbed_at
        return DisplayFrame(redacted, self._live_boxes(frame), self._models())

    def _recorded_scene(self, frame: Frame) -> Scene:
        """Who is in a recorded frame, and since when; what stands about, a parked car, is worth no file."""
        sure = [event for event in self._events if event.is_confirmed() and not event.ended]
        since = [
            event.track.first_at
            for event in sure
            if frame.grabbed_at <= event.track.last.at + RECORDED_UNSEEN_S
            and (event.label in PERSON_LABELS or not event.is_still())
        ]
        boxes = {box.track_id: box.box_xyxy for event in sure if (box := self._live_box(event, frame))}
        return Scene(min(since, default=None), boxes, self._models(), self._zones.masks)

    def _is_time(self, at: float) -> bool:
        """Not more often than `display_fps`; a third of a period early is early enough."""
        return at - self._last_shown_at >= 0.67 / max(self._lease.display_fps, 0.1)

    def _scene(self, at: float) -> tuple[float, float]:
        """Between which cuts the moment lies."""
        before = [cut for cut in self._cuts if cut <= at]
        after = [cut for cut in self._cuts if cut > at]
        return (before[-1] if before else -np.inf, after[0] if after else np.inf)

    def _live_boxes(self, frame: Frame) -> tuple[LiveBox, ...]:
        boxes = (self._live_box(event, frame) for event in self._events)
        return tuple(box for box in boxes if box is not None)

    def _live_box(self, event: Event, frame: Frame) -> LiveBox | None:
        """The box to draw for an event on a frame, or None when it is not (or no longer) there."""
        track, at = event.track, frame.grabbed_at
        hidden = event.label == MOTION and (event.is_explained() or not event.is_confirmed())
        if hidden or event.ended or at < track.first_at:
            return None
        before, after = track.around(at)
        if after is None and track.missed_looks and at - track.last.at > LIVE_COAST_S:
            return None
        near = [item for item in (before, after) if item is not None]
        state = "interpolated" if len(near) == 2 else "coasting"
        if any(item.seq == frame.seq for item in near):
            state = "seen"
        box = normalised(track.box_at(at), self._size)
        named = tuple(attribute.value for attribute in event.cascades.attributes())
        return LiveBox(track.track_id, event.label, round(event.confidence, 3), box, state, named)

    def _models(self) -> dict[str, str]:
        allowed = {stage.value for stage in self._lease.stages}
        return {stage: ref.version_id for stage, ref in self._lease.models.items() if stage in allowed}

    def reports(self, now: float) -> list[Report]:
        """Results to record now; the snapshot goes to the object store before the result is sent."""
        readings = [Report(self._events.attach(item, self._size)) for item in self._untold]
        self._untold = []
        only_mosaic = not self._lease.allows(Stage.FACES)
        changed = self._events.changed(
            now, lambda event, at: self._desk.is_ready(event, at, only_mosaic=only_mosaic)
        )
        told = [self._report(event) for event in changed]
        self._desk.forget({event.track.track_id for event in self._events})
        return readings + told

    def finish(self, now: float) -> list[Report]:
        """The run is over: end every event and return what is left to tell. Waiting frames are dropped."""
        self._queue.clear()
        self._events.end_all()
        return self.reports(now)

    def _report(self, event: Event) -> Report:
        snapshot = self._desk.take(event, self._lease, self._epoch)
        return Report(event.result(self._lease, self._epoch), snapshot)

    def _forget(self, now: float) -> None:
        oldest = now - self._delay_s - 1.0
        self._coverage.forget_before(oldest)
        self._cuts = [cut for cut in self._cuts if cut > now - KEEP_CUTS_S] or self._cuts[-1:]


def _chosen(found: Detections, keep: Sequence[bool]) -> Detections:
    """The detections for which `keep` is true."""
    mask = np.asarray(keep, bool)
    if not len(mask):
        return Detections.empty(found.classes)
    return Detections(found.boxes_xyxy[mask], found.scores[mask], found.class_ids[mask], found.classes)
