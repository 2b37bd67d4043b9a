"""Which redacted pictures of a camera are kept as video, and the segments that come of them.

Pure: time is passed in, nothing is read or written. In mode EVENTS the last moments are held back in the
encoder's size, so that a segment begins before what happens; they are encoded only when something does.
"""

import hashlib
import logging
import uuid
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from inference_workers.contracts.lease import Lease, Stage
from inference_workers.contracts.recording import RecordingMode, SealKey, SegmentResult, segment_key
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Frame
from inference_workers.engine.redaction import Polygon, RedactedFrame
from inference_workers.engine.segments import Picture, VideoWriter, prepare

# No picture for this long ends a segment: a file never shows a still where nothing was seen.
PAUSE_S = 3.0
MAX_PRE_S = 5.0
_EARLY = 0.75  # of a period: frames come at the pace of the analysis, which is not the recorder's
_log = logging.getLogger(__name__)
_SEGMENTS = uuid.UUID("5b6f2a8e-8c0e-4f6a-9d4b-6d1f5c9a7e21")


@dataclass(frozen=True, slots=True)
class Scene:
    """What stands beside a picture: who is in it and which models looked.

    `happening` says since when something is in view that is worth keeping, None when nothing is.
    `boxes`: track id to normalised box, `masks`: privacy masks; for the side of sealed originals.
    """

    happening: float | None
    boxes: Mapping[int, tuple[float, float, float, float]] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    masks: Sequence[Polygon] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """One picture on its way into a segment. `sealed` is what the original's side keeps of it."""

    picture: Picture
    scene: Scene
    original: object = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A finished segment: what is told about it, and its bytes; `sealed` are those of the original."""

    result: SegmentResult
    data: bytes
    sealed: bytes | None = None


class Originals(Protocol):
    """The side that keeps sealed originals; see `engine.originals`."""

    def keep(self, frame: Frame, redacted: RedactedFrame, scene: Scene) -> object: ...

    def seal(
        self, kept: Iterable[object], key: SealKey, result: SegmentResult
    ) -> tuple[SegmentResult, bytes]: ...


class Recorder:
    """State of one camera's recording. Not thread safe: the pipeline's thread calls it."""

    def __init__(self, lease: Lease, originals: Originals | None = None) -> None:
        self._lease = lease
        self.epoch = ""
        self._originals = originals
        self._held: deque[Taken] = deque()
        self._open: _OpenSegment | None = None
        self._finished: list[Segment] = []
        self._last_at = float("-inf")
        self._until = float("-inf")
        self._number = 0
        self.failures = 0

    def update_lease(self, lease: Lease) -> None:
        """Another lease begins another segment, so that each names the one permission it was made under."""
        if _permits(lease) != _permits(self._lease):
            self._close()
            self._held.clear()
        self._lease = lease

    def wants(self, at: float) -> bool:
        """Shall the frame captured at `at` be redacted for the recording?"""
        policy = self._lease.recording
        if policy.mode is RecordingMode.OFF or not self._lease.allows(Stage.VIEW):
            return False
        elapsed_s = at - self._last_at
        return elapsed_s >= _EARLY / max(policy.fps, 0.1) or elapsed_s < 0

    def take(self, frame: Frame, redacted: RedactedFrame, scene: Scene) -> None:
        """A frame that `wants` asked for, redacted; `frame` reaches nothing but the sealing of originals."""
        self._last_at = redacted.grabbed_at
        try:
            self._take(frame, redacted, scene)
        except EngineError:
            # What cannot be kept is lost and counted; the live picture goes on.
            self.failures += 1
            self._open = None
            self._held.clear()
            _log.exception("camera %s: a segment was given up", self._lease.camera_id)

    def _take(self, frame: Frame, redacted: RedactedFrame, scene: Scene) -> None:
        policy = self._lease.recording
        kept = None
        if self._originals is not None and policy.seal is not None:
            kept = self._originals.keep(frame, redacted, scene)
        taken = Taken(prepare(redacted, policy.max_width), scene, kept)
        if policy.mode is RecordingMode.CONTINUOUS:
            self._add(taken)
        else:
            self._take_event(taken, scene.happening)

    def _take_event(self, taken: Taken, happening: float | None) -> None:
        at, policy = taken.picture.at, self._lease.recording
        if happening is not None:
            self._until = max(self._until, at + policy.post_s)
            earliest = happening - min(policy.pre_s, MAX_PRE_S)
            for held in self._held:
                if held.picture.at >= earliest:
                    self._add(held)
            self._held.clear()
            self._add(taken)
        elif at <= self._until:
            self._add(taken)
        else:
            self._held.append(taken)
            while self._held and self._held[0].picture.at < at - min(policy.pre_s, MAX_PRE_S):
                self._held.popleft()

    def _add(self, taken: Taken) -> None:
        if self._open is not None and self._open.is_over(taken.picture, self._lease.recording.segment_s):
            self._close()
        if self._open is None:
            self._open = _OpenSegment(self._lease, taken.picture)
        self._open.add(taken)

    def finished(self, now: float) -> list[Segment]:
        """Segments that are complete by now; each is given once."""
        if self._open is not None and now - self._open.last_at > PAUSE_S:
            self._close()
        done, self._finished = self._finished, []
        return done

    def finish(self) -> list[Segment]:
        """The run is over: what is open is closed, what was held back is dropped."""
        self._close()
        self._held.clear()
        done, self._finished = self._finished, []
        return done

    def _close(self) -> None:
        if self._open is None:
            return
        segment, self._open = self._open, None
        number, self._number = self._number, self._number + 1
        try:
            result, data = segment.close(self.epoch, number)
        except EngineError:
            self.failures += 1
            _log.exception("camera %s: a segment was given up", self._lease.camera_id)
            return
        self._finished.append(self._with_original(segment, Segment(result, data)))

    def _with_original(self, segment: "_OpenSegment", done: Segment) -> Segment:
        """The segment with its sealed original; without one when it cannot be sealed."""
        key = self._lease.recording.seal
        if self._originals is None or key is None or not segment.originals:
            return done
        try:
            result, sealed = self._originals.seal(segment.originals, key, done.result)
        except EngineError:
            self.failures += 1
            _log.exception("camera %s: an original was not sealed and is gone", self._lease.camera_id)
            return done
        return Segment(result, done.data, sealed)


def _permits(lease: Lease) -> object:
    """What of a lease makes two segments different."""
    return lease.lease_id, lease.recording, lease.redaction, lease.zones, lease.stages


class _OpenSegment:
    """The segment that is being written."""

    def __init__(self, lease: Lease, first: Picture) -> None:
        self._lease = lease
        self._size = first.size
        self._writer = VideoWriter(first.size, lease.recording.fps)
        self.started_at = self.last_at = first.at
        self._frames = 0
        self._redaction: Counter[str] = Counter()
        self._models: dict[str, str] = {}
        self._track_ids: set[int] = set()
        self.originals: list[object] = []

    def is_over(self, following: Picture, segment_s: float) -> bool:
        """Does the next picture belong into another file?"""
        at = following.at
        return (
            following.size != self._size
            or at - self.started_at >= segment_s
            or at - self.last_at > PAUSE_S
            or at < self.last_at
            or _day(at) != _day(self.started_at)
        )

    def add(self, taken: Taken) -> None:
        self._writer.add(taken.picture.frame, taken.picture.at)
        self.last_at = taken.picture.at
        self._frames += 1
        self._redaction[taken.picture.redaction] += 1
        self._models.update(taken.scene.models)
        self._track_ids.update(taken.scene.boxes)
        if taken.original is not None:
            self.originals.append(taken.original)

    def close(self, epoch: str, number: int) -> tuple[SegmentResult, bytes]:
        data = self._writer.close()
        lease = self._lease
        segment_id = str(uuid.uuid5(_SEGMENTS, f"{lease.camera_id}/{epoch}/{number}"))
        result = SegmentResult(
            segment_id=segment_id,
            camera_id=lease.camera_id,
            epoch=epoch,
            number=number,
            started_at=self.started_at,
            ended_at=self.last_at,
            frames=self._frames,
            width=self._size[0],
            height=self._size[1],
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            object_key=segment_key(lease.camera_id, _day(self.started_at), segment_id),
            lease_id=lease.lease_id,
            reason=lease.recording.mode,
            redaction=dict(self._redaction),
            models=dict(self._models),
            track_ids=tuple(sorted(self._track_ids)),
        )
        return result, data


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
