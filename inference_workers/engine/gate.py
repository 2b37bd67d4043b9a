"""The gate: which captured frames are worth looking at, for which stages, and why not.

Motion is found by background subtraction (MOG2: Zivkovic 2004) on a small grey picture. Rates follow the
capture time of the frames, so the gate is deterministic and a file played fast behaves as one played slow.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_workers.contracts.lease import Lease, Stage, Target, ZoneKind
from inference_workers.contracts.recording import RecordingMode
from inference_workers.engine.frame import Detections, Image

SMALL_WIDTH_PX = 256
WARM_UP_S = 1.0
MOTION_HOLD_S = 2.0
# Motion needs no more pictures than this, however many are displayed.
MOTION_PERIOD_S = 0.1
# Where nothing moves, faces are looked for together with objects: what that look finds may need a snapshot.
IDLE_PERIOD_S: dict[Stage, float] = {
    Stage.DETECT: 5.0,
    Stage.FACES: 5.0,
    Stage.TEXT: 10.0,
    Stage.TEXT_BOXES: 5.0,
}
# Pictures per second that are enough to see that something begins to move.
IDLE_FPS = 2.0
ACTIVE_TEXT_PERIOD_S = 2.0
# Text that is to be covered: its covers last for seconds, and each look is long.
TEXT_BOXES_PERIOD_S = 1.0
# The display shows a frame only with a look for faces near it (`display.LookRules`): often where something
# moves before a viewer, seldom enough where a still scene is watched or only snapshots need it.
WATCHED_STILL_FACES_S = 0.5
UNWATCHED_FACES_S = 1.0
# Where persons are covered, the same for them: their look counts for 2.5 s where nothing moves.
WATCHED_STILL_PERSONS_S = 2.0
# What is recorded is looked at for longer than a glance: between two looks a face goes less than its width.
RECORDED_FACES_S = 0.4
# While another version of a stage takes over, no long periods of scenes that stand still.
TAKING_OVER_PERIOD_S = 1.0
MIN_BLOB_SHARE = 0.0008  # of the picture's area; smaller ones are leaves and noise
SCENE_CHANGE_SHARE = 0.6  # more than this is the light or the camera, not an object
_EARLY = 0.9  # a frame this close to the next turn takes it, or every second turn would be missed

SKIP_NO_MOTION = "no_motion"
SKIP_RATE = "rate"
SKIP_STAGE = "stage_not_allowed"
SKIP_WARMING_UP = "warming_up"

MOTION_CLASSES = ("motion",)

Mask = cv2.typing.MatLike
Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with one frame.

    Attributes:
        stages: stages that need the GPU worker; empty when the frame is skipped.
        skip_reason: why no stage looks at the frame, empty otherwise.
        motion: moving blobs in pixels of the frame, None when motion is not looked for.
        moved_xyxy: float32 (N, 4), pixels: what moves anywhere, zones to ignore as well; None: not known.
    """

    stages: tuple[Stage, ...]
    skip_reason: str
    moving: bool
    motion: Detections | None = None
    moved_xyxy: NDArray[np.float32] | None = None


class MotionFinder:
    """Background subtraction of one camera. State: the background model; reset on a scene change."""

    def __init__(self) -> None:
        self.everywhere: NDArray[np.float32] | None = None
        self._subtractor = self._fresh()
        self._kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))
        self._started_at: float | None = None
        self._shape: tuple[int, int] = (0, 0)

    @staticmethod
    def _fresh() -> cv2.BackgroundSubtractorMOG2:
        return cv2.createBackgroundSubtractorMOG2(history=300, varThreshold=24, detectShadows=True)

    def warming_up(self, grabbed_at: float) -> bool:
        return self._started_at is None or grabbed_at - self._started_at < WARM_UP_S

    def find(self, image: Image, grabbed_at: float, ignored: tuple[Polygon, ...]) -> NDArray[np.float32]:
        """Moving blobs, float32 (N, 4) xyxy in pixels of `image`; none while the model warms up.

        `everywhere` is then what moves in all of the picture; None while that is not known.

        Args:
            ignored: normalised polygons in which nothing counts as moving.
        """
        self.everywhere = None
        small = _small_grey(image)
        if small.shape != self._shape:
            self._shape = (small.shape[0], small.shape[1])
            self._restart(grabbed_at)
        mask = self._subtractor.apply(small)
        if self.warming_up(grabbed_at):
            return np.zeros((0, 4), np.float32)
        _, moving = cv2.threshold(mask, 200, 255, cv2.THRESH_BINARY)  # shadows are 127
        moving = cv2.morphologyEx(moving, cv2.MORPH_OPEN, self._kernel)
        if cv2.countNonZero(moving) > SCENE_CHANGE_SHARE * moving.size:
            self._restart(grabbed_at)
            return np.zeros((0, 4), np.float32)
        scale = image.shape[1] / small.shape[1]
        self.everywhere = self._blobs(moving, scale)
        if not ignored:
            return self.everywhere
        _clear(moving, ignored)
        return self._blobs(moving, scale)

    def _restart(self, grabbed_at: float) -> None:
        self._subtractor = self._fresh()
        self._started_at = grabbed_at

    def _blobs(self, mask: Mask, scale: float) -> NDArray[np.float32]:
        moving = cv2.dilate(mask, self._kernel, iterations=2)
        count, _, stats, _ = cv2.connectedComponentsWithStats(moving, connectivity=8)
        if count < 2:
            return np.zeros((0, 4), np.float32)
        boxes = np.asarray(stats[1:], np.float32)
        boxes = boxes[boxes[:, cv2.CC_STAT_AREA] >= MIN_BLOB_SHARE * moving.size]
        left_top, size = boxes[:, :2], boxes[:, 2:4]
        return np.asarray(np.concatenate([left_top, left_top + size], axis=1) * scale, np.float32)


def _clear(moving: Mask, polygons: tuple[Polygon, ...]) -> None:
    height, width = moving.shape[:2]
    for polygon in polygons:
        points = np.round(np.asarray(polygon, np.float64) * (width, height)).astype(np.int32)
        cv2.fillPoly(moving, [points], (0,))


def _small_grey(image: Image) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    small_width = min(width, SMALL_WIDTH_PX)
    size = (small_width, max(1, round(height * small_width / width)))
    # Every second row and column first: averaging four times fewer pixels is enough for motion.
    step = 2 if width >= 4 * small_width else 1
    small = cv2.resize(image[::step, ::step], size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


@dataclass(slots=True)
class Gate:
    """Decides for one camera. `update` takes a changed lease without forgetting the background."""

    lease: Lease
    _motion: MotionFinder = field(default_factory=MotionFinder)
    _looked_at: dict[Stage, float] = field(default_factory=dict)
    _taking_over: frozenset[Stage] = frozenset()
    _moved_at: float = float("-inf")
    _motion_at: float = float("-inf")
    moving: bool = True

    def update(self, lease: Lease) -> None:
        self.lease = lease

    def decide(
        self,
        image: Image,
        grabbed_at: float,
        *,
        watched: bool,
        taking_over: frozenset[Stage] = frozenset(),
    ) -> Decision:
        """Decide about one frame of the camera; frames come in order of their capture time.

        Args:
            watched: somebody looks at the live picture, so faces are needed at the full rate.
            taking_over: stages of which another version is about to serve.
        """
        self._taking_over = taking_over
        allowed = self._allowed()
        if not allowed and not self.lease.allows(Stage.MOTION):
            return Decision((), SKIP_STAGE, moving=False)
        motion = self._find_motion(image, grabbed_at)
        warming_up = self._motion.warming_up(grabbed_at)
        moving = self.moving = warming_up or grabbed_at - self._moved_at <= MOTION_HOLD_S
        due = tuple(s for s in allowed if self._is_due(s, grabbed_at, moving=moving, watched=watched))
        for stage in due:
            self._looked_at[stage] = grabbed_at
        reason = "" if due else self._reason(allowed, moving=moving, warming_up=warming_up)
        return Decision(due, reason, moving, motion, self._motion.everywhere)

    def _find_motion(self, image: Image, grabbed_at: float) -> Detections | None:
        """What moves; None when it is not looked for in this frame."""
        if 0 <= grabbed_at - self._motion_at < MOTION_PERIOD_S * _EARLY:
            return None
        self._motion_at = grabbed_at
        boxes = self._motion.find(image, grabbed_at, self._ignored())
        if len(boxes):
            self._moved_at = grabbed_at
        return self._detections(boxes)

    def _ignored(self) -> tuple[Polygon, ...]:
        return tuple(zone.polygon for zone in self.lease.zones if zone.kind is ZoneKind.IGNORE)

    def _allowed(self) -> tuple[Stage, ...]:
        """Stages that the lease allows and that a model version is named for."""
        return tuple(
            stage
            for stage in (Stage.FACES, Stage.DETECT, Stage.TEXT, Stage.TEXT_BOXES)
            if self.lease.allows(stage) and stage.value in self.lease.models and not self._on_crops(stage)
        )

    def _on_crops(self, stage: Stage) -> bool:
        """Text that is read on what the detector found waits for that."""
        return stage is Stage.TEXT and self.lease.reads_crops()

    def _is_due(self, stage: Stage, grabbed_at: float, *, moving: bool, watched: bool) -> bool:
        elapsed_s = grabbed_at - self._looked_at.get(stage, float("-inf"))
        period_s = self._period_s(stage, moving=moving, watched=watched)
        if stage in self._taking_over:
            period_s = min(period_s, max(TAKING_OVER_PERIOD_S, 1.0 / max(self.lease.analysis_fps, 0.1)))
        return elapsed_s >= period_s * _EARLY or elapsed_s < 0  # a clock set back never blinds us

    def _period_s(self, stage: Stage, *, moving: bool, watched: bool) -> float:
        rate_s = 1.0 / max(self.lease.analysis_fps, 0.1)
        if stage is Stage.FACES and watched != moving:
            return max(rate_s, WATCHED_STILL_FACES_S if watched else self._unwatched_faces_s())
        if stage is Stage.TEXT_BOXES and (watched or moving):
            return max(rate_s, TEXT_BOXES_PERIOD_S)
        if stage is Stage.DETECT and watched and not moving and self._covers_persons():
            return max(rate_s, WATCHED_STILL_PERSONS_S)
        if not moving:
            return IDLE_PERIOD_S[stage]
        return max(rate_s, ACTIVE_TEXT_PERIOD_S) if stage is Stage.TEXT else rate_s

    def _covers_persons(self) -> bool:
        zones = (zone.targets for zone in self.lease.zones)
        return any({Target.HEAD, Target.PERSON} & {*t} for t in (self.lease.redaction.targets, *zones))

    def _unwatched_faces_s(self) -> float:
        recorded = self.lease.recording.mode is not RecordingMode.OFF
        return RECORDED_FACES_S if recorded else UNWATCHED_FACES_S

    def _reason(self, allowed: tuple[Stage, ...], *, moving: bool, warming_up: bool) -> str:
        if warming_up:
            return SKIP_WARMING_UP
        if not moving:
            return SKIP_NO_MOTION
        return SKIP_RATE if allowed else SKIP_STAGE

    def _detections(self, boxes_xyxy: NDArray[np.float32]) -> Detections | None:
        if not self.lease.allows(Stage.MOTION):
            return None
        count = len(boxes_xyxy)
        return Detections(boxes_xyxy, np.ones(count, np.float32), np.zeros(count, np.int32), MOTION_CLASSES)
