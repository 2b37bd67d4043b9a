"""What happens to the frames of one camera between the decoder and the pipeline.

Owned by the camera's runner and used by its thread only; answers of the GPU worker reach it through the
runner's mailbox.
"""

import hashlib
from dataclasses import dataclass, field

import cv2
import numpy as np

from inference_workers.contracts.comparison import Role, VersionWindow
from inference_workers.contracts.frames import BatchItem, Found, FrameRef, Region
from inference_workers.contracts.lease import Lease, ModelRef, Stage, ZoneKind
from inference_workers.engine.cascades import CropLook, around
from inference_workers.engine.events import LookedBy
from inference_workers.engine.frame import Detections, Frame
from inference_workers.engine.gate import Gate
from inference_workers.engine.pipeline import CameraPipeline
from inference_workers.engine.ring import RingOwner
from inference_workers.engine.sources.messages import Placed
from inference_workers.engine.version_windows import Looked, VersionBook
from inference_workers.engine.zone_detectors import Crop, ZoneParts, counted, crop_of
from inference_workers.engine.zones import ZoneMap
from inference_workers.streams.accounting import FrameLedger
from inference_workers.streams.analysis import LOST_BUSY, LOST_ERROR
from inference_workers.streams.looks import Answer, Look, Request
from inference_workers.streams.versions import ServingVersions, wanted_by

LOST_GONE = "frame_gone"
LOST_LATE = "late"
# One that waits, one under way, and the newer one that takes the place of the first.
MAX_IN_FLIGHT = 3
_WHOLE_PICTURE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
_MOTION_SOURCE = f"package opencv-python-headless {cv2.__version__}"
BUILTIN_MOTION = ModelRef(
    version_id="motion-mog2",
    name="motion-mog2",
    family="motion-mog2",
    sha256=hashlib.sha256(_MOTION_SOURCE.encode()).hexdigest(),
)


@dataclass(slots=True)
class _Held:
    """A frame that the GPU worker still reads."""

    ring: RingOwner
    frame: FrameRef
    waiting: set[Look]
    lost: str = ""
    closed: bool = False
    objects: dict[str, Answer] = field(default_factory=dict)  # by zone, "" for the whole picture
    crops: dict[Look, CropLook] = field(default_factory=dict)

    @property
    def grabbed_at(self) -> float:
        return self.frame.grabbed_at

    @property
    def width(self) -> int:
        return self.frame.width

    @property
    def height(self) -> int:
        return self.frame.height

    def serves(self) -> bool:
        """Does anything that the frame is accounted for by still wait for its answer?"""
        return any(not look.apart for look in self.waiting)


@dataclass(slots=True)
class CascadeFigures:
    """Looks at crops since the run began. `skipped`: one was under way, or frames were short."""

    asked: int = 0
    crops: int = 0
    answered: int = 0
    skipped: int = 0
    lost: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class FrameDesk:
    """Gate, pipeline and ledger of one camera over all attempts of its runner."""

    lease: Lease
    epoch: str
    ledger: FrameLedger = field(init=False)
    pipeline: CameraPipeline = field(init=False)
    gate: Gate = field(init=False)
    versions: ServingVersions = field(default_factory=ServingVersions)
    book: VersionBook = field(init=False)
    cascades: CascadeFigures = field(default_factory=CascadeFigures)
    _wanted: dict[Look, ModelRef] = field(default_factory=dict)
    _zones: ZoneMap = field(default_factory=lambda: ZoneMap(()))
    _held: dict[int, _Held] = field(default_factory=dict)
    _base_seq: int = 0
    _next_seq: int = 0

    def __post_init__(self) -> None:
        self.ledger = FrameLedger(self.lease.camera_id, self.epoch)
        self.pipeline = CameraPipeline(self.lease)
        self.gate = Gate(self.lease)
        self.book = VersionBook(self.lease, self.epoch)
        self._wanted = wanted_by(self.lease)
        self._zones = ZoneMap(self.lease.zones)

    def update_lease(self, lease: Lease) -> None:
        """Zones, policy, stages and models take effect on the next frame; the background is kept."""
        self.lease = lease
        self.pipeline.update_lease(lease)
        self.gate.update(lease)
        self.book.update_lease(lease)
        self.versions.keep(lease)
        self._wanted = wanted_by(lease)
        self._zones = ZoneMap(lease.zones)

    def pass_over(self, placed: Placed, ring: RingOwner | None) -> None:
        """Let a frame go that waited too long to be of use: the newer ones behind it count more."""
        self._next_seq = self._base_seq + placed.seq + 1
        if ring is not None and ring.matches(placed.slot, placed.generation, placed.width, placed.height):
            ring.release(placed.slot)
        self.ledger.close_lost(LOST_LATE)

    def take(self, placed: Placed, ring: RingOwner | None, *, watched: bool) -> list[Request]:
        """Decide about an announced frame whose tally the ledger has; returns what has to be analysed."""
        seq = self._base_seq + placed.seq
        self._next_seq = seq + 1
        if ring is None or not ring.matches(placed.slot, placed.generation, placed.width, placed.height):
            self.ledger.close_lost(LOST_GONE)
            return []
        view = ring.pixels(placed.slot, placed.width, placed.height)
        taking_over = self.versions.taking_over(self.lease)
        decision = self.gate.decide(view, placed.grabbed_at, watched=watched, taking_over=taking_over)
        stages = [stage for stage in decision.stages if self._in_flight(Look(stage)) < MAX_IN_FLIGHT]
        if watched or stages or decision.moving:
            copy = np.array(view)  # the pipeline shows it later, when the slot has other pixels
            self.pipeline.add_frame(
                Frame(copy, self.lease.camera_id, self.epoch, seq, placed.grabbed_at, decision.moved_xyxy)
            )
            self._add_motion(seq, placed.grabbed_at, decision.motion)
        if not stages:
            ring.release(placed.slot)
            self._close_unsubmitted(decision.skip_reason)
            return []
        looks = [look for look in self._wanted if look.stage in stages and not look.cascade_id]
        looks += self._shadows(stages, seq, placed.grabbed_at, ring)
        frame = self._ref(seq, placed, ring)
        self._held[seq] = _Held(ring, frame, set(looks))
        return [self._request(look, frame) for look in looks]

    def _shadows(self, stages: list[Stage], seq: int, at: float, ring: RingOwner) -> list[Look]:
        """Shadows of these stages that may see the frame: one frame each at a time, never the last slots."""
        looks = []
        for stage in stages:
            look = Look(stage, Role.SHADOW)
            if stage.value not in self.lease.shadows:
                continue
            if self._in_flight(look) or len(self._held) >= ring.slots // 2:
                self.book.skip(stage, at)
                continue
            self.book.expect(stage, seq, at)
            looks.append(look)
        return looks

    def _add_motion(self, seq: int, grabbed_at: float, motion: Detections | None) -> None:
        if motion is not None:
            model = self.lease.models.get(Stage.MOTION.value, BUILTIN_MOTION)
            self.pipeline.add_objects(seq, grabbed_at, motion, model)

    def _close_unsubmitted(self, skip_reason: str) -> None:
        if skip_reason:
            self.ledger.close_skipped(skip_reason)
        else:
            self.ledger.close_lost(LOST_BUSY)

    def _in_flight(self, look: Look) -> int:
        return sum(look in held.waiting for held in self._held.values())

    def _ref(self, seq: int, placed: Placed, ring: RingOwner) -> FrameRef:
        return FrameRef(
            camera_id=self.lease.camera_id,
            epoch=self.epoch,
            seq=seq,
            grabbed_at=placed.grabbed_at,
            ring=ring.name,
            slot=placed.slot,
            generation=placed.generation,
            width=placed.width,
            height=placed.height,
        )

    def _request(self, look: Look, frame: FrameRef) -> Request:
        regions = self._regions() if look.stage is Stage.TEXT else ()
        item = BatchItem(frame, regions, self._crop(look.zone_id))
        if look.shadow:
            return Request(look, self.lease.shadows[look.stage.value], item)
        model = self._wanted[look]
        return Request(look, model, item, self.versions.stand_in(look, model, frame.grabbed_at))

    # --- cascades: what was found in a frame is looked at again while its pixels are still there

    def _cascade(self, seq: int, held: _Held) -> list[Request]:
        """Looks at the crops of this frame; they hold its slot, never the last ones, and not its account."""
        requests = []
        for crops in self.pipeline.crops_due(seq):
            look = Look(crops.cascade.stage, cascade_id=crops.cascade.cascade_id)
            if look not in self._wanted:
                continue
            if self._in_flight(look) or len(self._held) >= held.ring.slots // 2:
                self.cascades.skipped += 1
                continue
            self.pipeline.crops_asked(crops, held.grabbed_at)
            held.waiting.add(look)
            held.crops[look] = crops
            self.cascades.asked += 1
            self.cascades.crops += len(crops.crops_xyxy)
            requests.append(self._crop_request(look, crops, held.frame))
        return requests

    def _crop_request(self, look: Look, crops: CropLook, frame: FrameRef) -> Request:
        model = self._wanted[look]
        if look.stage is Stage.CLASSIFY:
            return Request(look, model, BatchItem(frame, crops_xyxy=crops.crops_xyxy))
        script = crops.cascade.script or self.lease.script
        regions = tuple(Region(around(box), script, crops.cascade.zone_id) for box in crops.crops_xyxy)
        stand_in = self.versions.stand_in(look, model, frame.grabbed_at)
        return Request(look, model, BatchItem(frame, regions), stand_in)

    def _take_classes(self, answer: Answer, held: _Held, found: tuple[Found, ...] | None) -> None:
        crops = held.crops[answer.look]
        if found is not None and len(found) == len(crops.crops_xyxy):
            self.pipeline.add_classes(crops, found, answer.model)

    def _count_cascade(self, answer: Answer, held: _Held) -> None:
        if not answer.lost:
            self.cascades.answered += 1
            return
        self.cascades.lost[answer.lost] = self.cascades.lost.get(answer.lost, 0) + 1
        self.pipeline.crops_lost(held.crops[answer.look])
        self.versions.failed(answer)

    def _crop(self, zone_id: str) -> Crop | None:
        return next((crop_of(zone) for zone in self.lease.zones if zone_id and zone.zone_id == zone_id), None)

    def _regions(self) -> tuple[Region, ...]:
        """Zones to read, or the whole picture when none is drawn."""
        zones = [zone for zone in self.lease.zones if zone.kind is ZoneKind.READ_TEXT]
        if not zones:
            return (Region(_WHOLE_PICTURE, self.lease.script),)
        return tuple(Region(zone.polygon, zone.script or self.lease.script, zone.zone_id) for zone in zones)

    def answer(self, answer: Answer) -> list[Request]:
        """Route one answer; an answer for a frame that was given up already changes nothing.

        Returns what is to be looked at in the same frame because of it.
        """
        held = self._held.get(answer.seq)
        if held is None or answer.look not in held.waiting:
            return []
        following: list[Request] = []
        held.waiting.discard(answer.look)
        found = answer.result.found if answer.result is not None else None
        looked = self._looked(answer, held, found)
        if answer.look.shadow:
            self.book.shadowed(looked)
        else:
            if answer.look.cascade_id:
                self._count_cascade(answer, held)
            else:
                held.lost = held.lost or answer.lost
            if not (answer.look.zone_id or answer.look.cascade_id):  # parts are no measure beside the whole
                self.book.served(looked)
            if found is not None:
                self.versions.answered(answer, held.grabbed_at)
            if self.lease.allows(answer.look.stage):  # withdrawn meanwhile: nobody may use what was seen
                following = self._hand_over(answer, held, found)
        self._close(answer.seq, held)
        return following

    def _looked(self, answer: Answer, held: _Held, found: tuple[Found, ...] | None) -> Looked:
        boxes = None if found is None else to_detections(found, held.width, held.height)
        failed = answer.lost == LOST_ERROR
        stage, at = answer.look.stage, held.grabbed_at
        return Looked(stage, answer.model, answer.seq, at, boxes, answer.cost, failed)

    def _hand_over(self, answer: Answer, held: _Held, found: tuple[Found, ...] | None) -> list[Request]:
        if answer.lost == LOST_BUSY:
            return []  # nobody looked: the next look decides about this frame, too
        stage = answer.look.stage
        if stage is Stage.FACES:
            faces = None if found is None else to_detections(found, held.width, held.height)
            self.pipeline.add_faces(answer.seq, held.grabbed_at, faces)
        elif stage is Stage.DETECT:
            if self._hand_over_objects(answer, held, found):
                return self._cascade(answer.seq, held)
        elif stage is Stage.CLASSIFY:
            self._take_classes(answer, held, found)
        elif stage is Stage.TEXT_BOXES:
            text = None if found is None else to_detections(found, held.width, held.height)
            self.pipeline.add_text_boxes(answer.seq, held.grabbed_at, text)
        elif stage is Stage.TEXT and found is not None:
            self.pipeline.add_text(answer.seq, held.grabbed_at, found, answer.model)
        return []

    def _hand_over_objects(self, answer: Answer, held: _Held, found: tuple[Found, ...] | None) -> bool:
        """One look is complete when the whole picture and every zone with its own detector is answered."""
        if found is not None:
            held.objects[answer.look.zone_id] = answer
        whole = held.objects.get("")
        looks = {look for look in self._wanted if look.stage is Stage.DETECT}
        if whole is None or looks & held.waiting or {look.zone_id for look in looks} - held.objects.keys():
            return False  # where a zone was not looked at, its tracks would seem to be gone
        parts = {zone: _found(part) for zone, part in held.objects.items() if zone}
        models = {zone: part.model for zone, part in held.objects.items() if zone}
        counts = counted(_found(whole), ZoneParts(parts, models), self._zones)
        everything = sum(parts.values(), _found(whole))
        self.pipeline.add_objects(
            answer.seq,
            held.grabbed_at,
            to_detections(counts, held.width, held.height),
            LookedBy(whole.model, models),
            to_cover=to_detections(everything, held.width, held.height),
        )
        return True

    def _close(self, seq: int, held: _Held) -> None:
        """The frame is accounted for when all that is published is answered; its slot is kept for shadows."""
        if not held.closed and not held.serves():
            held.closed = True
            if held.lost:
                self.ledger.close_lost(held.lost)
            else:
                self.ledger.close_analysed()
        if not held.waiting:
            del self._held[seq]
            held.ring.release(held.frame.slot)

    def windows(self, now: float, *, over: bool = False) -> list[VersionWindow]:
        """Windows of model versions that are complete; `over`: the run ends, so all of them."""
        return self.book.finish() if over else self.book.windows(now)

    def end_attempt(self) -> None:
        """The decoder is gone with its ring: frames in flight are lost, faces in them stay unknown."""
        for seq, held in self._held.items():
            if Look(Stage.FACES) in held.waiting:
                self.pipeline.add_faces(seq, held.grabbed_at, None)
        self._held.clear()
        self.book.forget_pairs()
        self.ledger.end_of_decoder()
        self._base_seq = self._next_seq


def _found(answer: Answer) -> tuple[Found, ...]:
    return answer.result.found if answer.result is not None else ()


def to_detections(found: tuple[Found, ...], width: int, height: int) -> Detections:
    """Normalised findings to `Detections` in pixels; classes are the labels in order of appearance."""
    classes = tuple(dict.fromkeys(item.label for item in found))
    if not found:
        return Detections.empty()
    scale = np.array([width, height, width, height], np.float32)
    return Detections(
        np.array([item.box_xyxy for item in found], np.float32) * scale,
        np.array([item.score for item in found], np.float32),
        np.array([classes.index(item.label) for item in found], np.int32),
        classes,
    )
