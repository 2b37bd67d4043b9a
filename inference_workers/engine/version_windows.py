"""What versions see, summed into windows; a shadow beside the version that serves, on the same frames.

Pure: times are passed in. One book per camera. Every version has a tracker of its own, so that tracks which
break off show which version loses things; a shadow's window has two, its own and one of the serving
version's finds in the same frames, because a version that sees fewer frames breaks more tracks.
"""

from dataclasses import dataclass, field

from inference_workers.contracts.comparison import Beside, Role, VersionWindow
from inference_workers.contracts.frames import Cost
from inference_workers.contracts.lease import Lease, ModelRef, Stage
from inference_workers.engine.frame import Detections
from inference_workers.engine.version_sums import Sums, match

# Answers to frames of a window may come so much later; after that it is told without them.
GRACE_S = 2.5
LEAST_S = 0.001
FORGET_S = 60.0

LineKey = tuple[Stage, Role, str]


class _Line:
    """The windows of one version in one role, one after the other."""

    def __init__(self, model: ModelRef, rate_fps: float, base: ModelRef | None = None) -> None:
        self.model = model
        self.base = base
        self.sums = Sums(rate_fps)
        self.base_sums = Sums(rate_fps) if base is not None else None
        self.lease_id = ""
        self.started_at: float | None = None
        self.ends_at = 0.0
        self.last_at = 0.0
        self._clear()

    def _clear(self) -> None:
        self.errors = self.skipped = self.matched = self.only_base = self.only_candidate = 0

    def begin(self, at: float, lease: Lease) -> None:
        """Open a window for a frame of this time, after all windows before it."""
        length_s = lease.window_s
        at = max(at, self.ends_at)
        ends_at = (at // length_s + 1) * length_s
        self.started_at = max(self.ends_at, ends_at - length_s) if self.ends_at else at
        self.ends_at = ends_at
        self.lease_id = lease.lease_id

    def end(self, key: LineKey, camera_id: str, epoch: str, ended_at: float) -> VersionWindow | None:
        """Close the window; None where nothing happened in it."""
        if self.started_at is None:
            return None
        started_at, self.started_at = self.started_at, None
        self.ends_at = ended_at = max(ended_at, started_at + LEAST_S)
        empty = not (self.sums.frames or self.errors or self.skipped)
        window = VersionWindow(
            camera_id=camera_id,
            epoch=epoch,
            lease_id=self.lease_id,
            stage=key[0],
            version_id=self.model.version_id,
            sha256=self.model.sha256,
            role=key[1],
            started_at=round(started_at, 6),
            ended_at=round(ended_at, 6),
            errors=self.errors,
            skipped=self.skipped,
            seen=self.sums.take(),
            beside=self._beside(),
        )
        self._clear()
        return None if empty else window

    def _beside(self) -> Beside | None:
        if self.base is None or self.base_sums is None:
            return None
        counts = (self.matched, self.only_base, self.only_candidate)
        return Beside(self.base.version_id, self.base.sha256, self.base_sums.take(), *counts)


@dataclass(slots=True)
class _Pair:
    """What both versions found in one frame; told when both are there."""

    at: float
    base: Detections | None = None
    base_model: ModelRef | None = None
    base_cost: Cost | None = None
    candidate: Detections | None = None
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """One answer, as the book takes it. `found` is in pixels; None when there is none.

    `cost` is there for the first frame of each run.
    """

    stage: Stage
    model: ModelRef
    seq: int
    at: float
    found: Detections | None
    cost: Cost | None = None
    failed: bool = False


@dataclass(slots=True)
class VersionBook:
    """The windows of all versions on one camera. Not thread safe."""

    lease: Lease
    epoch: str
    _lines: dict[LineKey, _Line] = field(default_factory=dict)
    _pairs: dict[tuple[Stage, int], _Pair] = field(default_factory=dict)
    _done: list[VersionWindow] = field(default_factory=list)

    def update_lease(self, lease: Lease) -> None:
        """Shadows that the lease no longer names end at once."""
        self.lease = lease
        gone = [
            key
            for key, line in self._lines.items()
            if key[1] is Role.SHADOW and lease.shadows.get(key[0].value) != line.model
        ]
        for key in gone:
            self._end(key, self._lines[key].last_at)
            del self._lines[key]
            self._pairs = {pair: value for pair, value in self._pairs.items() if pair[0] is not key[0]}

    def expect(self, stage: Stage, seq: int, at: float) -> None:
        """The shadow of a stage was asked about this frame."""
        self._pairs[stage, seq] = _Pair(at)

    def skip(self, stage: Stage, at: float) -> None:
        """The shadow of a stage had to leave this frame out."""
        if (model := self.lease.shadows.get(stage.value)) is not None:
            self._shadow_line(stage, model, self._base(stage), at).skipped += 1

    def forget_pairs(self) -> None:
        """What was under way will not be answered."""
        self._pairs.clear()

    def served(self, look: Looked) -> None:
        """The answer of the version that serves."""
        line = self._line((look.stage, Role.SERVING, look.model.version_id), look.model, None, look.at)
        if look.found is None:
            line.errors += look.failed
            line.skipped += not look.failed
            self._pairs.pop((look.stage, look.seq), None)
            return
        line.sums.add(look.at, look.seq, look.found, look.cost)
        if (pair := self._pairs.get((look.stage, look.seq))) is not None:
            pair.base, pair.base_model, pair.base_cost = look.found, look.model, look.cost
            self._compare(look.stage, look.seq, pair)

    def shadowed(self, look: Looked) -> None:
        """The answer of a shadow. It counts when the version that serves answered, too."""
        if self.lease.shadows.get(look.stage.value) != look.model:
            return
        if look.found is None:
            self._pairs.pop((look.stage, look.seq), None)
            line = self._shadow_line(look.stage, look.model, self._base(look.stage), look.at)
            line.errors += look.failed
            line.skipped += not look.failed
        elif (pair := self._pairs.get((look.stage, look.seq))) is not None:
            pair.candidate, pair.cost = look.found, look.cost
            self._compare(look.stage, look.seq, pair)

    def _compare(self, stage: Stage, seq: int, pair: _Pair) -> None:
        model = self.lease.shadows.get(stage.value)
        if pair.base is None or pair.base_model is None or pair.candidate is None or model is None:
            return
        del self._pairs[stage, seq]
        line = self._shadow_line(stage, model, pair.base_model, pair.at)
        line.sums.add(pair.at, seq, pair.candidate, pair.cost)
        if line.base_sums is not None:
            line.base_sums.add(pair.at, seq, pair.base, pair.base_cost)
        matched = match(pair.base, pair.candidate)
        line.matched += matched
        line.only_base += len(pair.base) - matched
        line.only_candidate += len(pair.candidate) - matched

    def _base(self, stage: Stage) -> ModelRef | None:
        """Beside whom a shadow runs, before a frame has told."""
        for (line_stage, role, _version), line in self._lines.items():
            if line_stage is stage and role is Role.SHADOW and line.base is not None:
                return line.base
        return self.lease.models.get(stage.value)

    def _shadow_line(self, stage: Stage, model: ModelRef, base: ModelRef | None, at: float) -> _Line:
        key = (stage, Role.SHADOW, model.version_id)
        line = self._lines.get(key)
        if line is not None and line.base != base:
            self._end(key, min(at, line.ends_at))
            del self._lines[key]
            return self._line(key, model, base, at, after=line.ends_at)
        return self._line(key, model, base, at)

    def _line(
        self, key: LineKey, model: ModelRef, base: ModelRef | None, at: float, after: float = 0.0
    ) -> _Line:
        line = self._lines.get(key)
        if line is None or line.model != model:
            line = self._lines[key] = _Line(model, self.lease.analysis_fps, base)
            line.ends_at = after
        if line.started_at is not None and at >= line.ends_at:
            self._end(key, line.ends_at)
        if line.started_at is None:
            line.begin(at, self.lease)
        line.last_at = max(line.last_at, at)
        return line

    def _end(self, key: LineKey, ended_at: float) -> None:
        window = self._lines[key].end(key, self.lease.camera_id, self.epoch, ended_at)
        if window is not None:
            self._done.append(window)

    def windows(self, now: float) -> list[VersionWindow]:
        """Windows that are over; `now` by the clock of the frames."""
        for key, line in self._lines.items():
            if line.started_at is not None and now >= line.ends_at + GRACE_S:
                self._end(key, line.ends_at)
        forgotten = [
            key
            for key, line in self._lines.items()
            if line.started_at is None and now - line.last_at > FORGET_S
        ]
        for key in forgotten:
            del self._lines[key]
        done, self._done = self._done, []
        return done

    def finish(self) -> list[VersionWindow]:
        """The run is over: what is open ends with its last frame."""
        for key, line in self._lines.items():
            self._end(key, line.last_at)
        self._lines.clear()
        return self.windows(0.0)
