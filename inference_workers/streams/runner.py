"""One camera: a thread that keeps its decoder running and moves frames through gate, analysis and display."""

import logging
import os
import threading
import time
import uuid
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue

from inference_workers.contracts.leaks import PictureKind
from inference_workers.contracts.lease import Lease, SourceKind
from inference_workers.contracts.recording import RecordingMode
from inference_workers.engine.display import Report
from inference_workers.engine.errors import EngineError
from inference_workers.engine.gate import IDLE_FPS
from inference_workers.engine.ring import RingBudget
from inference_workers.engine.sources.messages import Ended, Opened, Placed, Tally, ToRunner
from inference_workers.engine.sources.process import DecoderProcess, wait_readable
from inference_workers.streams.analysis import Analysis
from inference_workers.streams.frames import FrameDesk
from inference_workers.streams.leaks import SampleSink
from inference_workers.streams.leases import open_credentials
from inference_workers.streams.looks import Answer
from inference_workers.streams.recording import RecordingSink
from inference_workers.streams.sinks import LiveSink, ResultSink, SnapshotSink
from inference_workers.streams.status import GIVE_UP_AFTER_S, OPENING_LIMIT_S, Backoff, StatusBook

_LIVE_KINDS = frozenset({SourceKind.RTSP, SourceKind.MJPEG, SourceKind.HLS, SourceKind.USB})
_ACCOUNT_EVERY_S = 1.0
_LOOK_EVERY_S = 0.25
_WATCHED_TICK_S = 0.03
_STEADY_S = 5.0
LATE_AFTER_S = 1.0
SET_BACK_S = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StreamServices:
    """What all runners of a process share."""

    analysis: Analysis
    live: LiveSink
    snapshots: SnapshotSink
    samples: SampleSink
    results: ResultSink
    recordings: RecordingSink
    budget: RingBudget
    shm_dir: Path
    media_roots: tuple[Path, ...]
    lease_key: str


class _Attempt:
    """One decoder's life, seen from its runner."""

    def __init__(self, process: DecoderProcess, now: float) -> None:
        self.process = process
        self.started_at = now
        self.opened = False
        self.ended: Ended | None = None
        self.media_at: float | None = None
        self.first_frame_at: float | None = None

    def given_up(self, silent_s: float, now: float) -> Ended | None:
        """Why the runner ends a decoder that still runs, None while it may go on."""
        if not self.opened and now - self.started_at > OPENING_LIMIT_S:
            return Ended("no_answer", "the camera did not start to send in time", True)
        if self.opened and silent_s > GIVE_UP_AFTER_S:
            return Ended("stalled", f"no picture for {silent_s:.0f} s; connecting again", True)
        return None


class CameraRunner(threading.Thread):
    """Runs until `stop`. Leases and answers reach it through its mailbox, from any thread."""

    def __init__(self, lease: Lease, services: StreamServices) -> None:
        super().__init__(name=f"camera-{lease.camera_id}", daemon=True)
        self.camera_id = lease.camera_id
        self.epoch = uuid.uuid4().hex
        self._lease = lease
        self._services = services
        self._mail: SimpleQueue[Lease | Answer | None] = SimpleQueue()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._wake_lock = threading.Lock()
        self._desk = FrameDesk(lease, self.epoch)
        self._status = StatusBook(lease.camera_id, self.epoch)
        self._status.lease(lease.revision)
        self._backoff = Backoff()
        self._numbers = count()
        self._leaving = ""
        self._restart = False
        self._accounted_at = 0.0
        self._looked_at = 0.0
        self._shown_at: float | None = None
        self.failures = 0
        self.decoder_pid: int | None = None

    # --- from other threads

    def update_lease(self, lease: Lease) -> None:
        self._post(lease)

    def stop(self) -> None:
        """Ask to leave; join afterwards."""
        self._post(None)

    def figures(self) -> dict[str, object]:
        """State and counts for the heartbeat; read from another thread, so a moment old."""
        ledger = self._desk.ledger
        return {
            "state": self._status.state.value,
            "captured": ledger.captured,
            "analysed": ledger.analysed,
            "in_flight": ledger.in_flight,
            "skipped": dict(ledger.skipped),
            "lost": dict(ledger.lost),
            "cascades": asdict(self._desk.cascades),
            "failures": self.failures,
        }

    def _post(self, letter: Lease | Answer | None) -> None:
        with self._wake_lock:
            if self._wake >= 0:
                self._mail.put(letter)
                os.eventfd_write(self._wake, 1)

    # --- the thread

    def run(self) -> None:
        while not self._leaving:
            try:
                self._attempt()
            except EngineError as error:
                self._end_attempt(Ended(error.code, str(error), error.transient))
            except Exception:  # noqa: BLE001 - one camera's fault must not take its thread away for ever
                self.failures += 1
                _log.exception("camera %s: the runner failed and starts again", self.camera_id)
                self._end_attempt(Ended("runner_failed", "an unexpected error; see the log", True))
        self._finish()

    def _attempt(self) -> None:
        lease = self._lease
        credentials = open_credentials(lease.source, self._services.lease_key)
        self._status.detects_freeze = lease.source.kind in _LIVE_KINDS
        self._status.start_attempt()
        self._tell()
        self._restart = False
        services = self._services
        process = DecoderProcess(self.camera_id, services.shm_dir, services.budget, next(self._numbers))
        self.decoder_pid = process.pid
        attempt = _Attempt(process, time.monotonic())
        fps = self._wanted_fps()
        try:
            process.start(lease.source, credentials, services.media_roots, fps)
            self._follow(attempt, fps)
        finally:
            self._desk.end_attempt()
            process.close()
        if not self._leaving and not self._restart:
            self._end_attempt(attempt.ended or Ended("decoder_died", "the decoder died", True))

    def _follow(self, attempt: _Attempt, fps: float) -> None:
        """Serve one decoder until it ends, is given up, or the lease wants another source."""
        process = attempt.process
        while not (self._leaving or self._restart):
            self._wait(list(process.descriptors), self._tick_s())
            self._open_mail()
            messages, alive = process.read()
            for message in messages:
                self._take(message, attempt)
            self._serve(attempt)
            if (wanted := self._wanted_fps()) != fps:
                fps = wanted
                process.pace(fps)
            silent_s = self._status.silent_for_s(time.monotonic(), attempt.started_at)
            attempt.ended = attempt.ended or attempt.given_up(silent_s, time.monotonic())
            if attempt.ended is not None or not alive:
                return

    def _take(self, message: ToRunner, attempt: _Attempt) -> None:
        now = time.monotonic()
        if isinstance(message, Placed):
            self._take_frame(message, attempt, now)
        elif isinstance(message, Tally):
            self._note(message)
            self._status.count_errors(now, message.errors)
        elif isinstance(message, Opened):
            attempt.opened = True
            self._status.opened(message.codec, message.width, message.height, message.clock_offset_s)
        elif isinstance(message, Ended):
            attempt.ended = message

    def _note(self, tally: Tally) -> None:
        try:
            self._desk.ledger.note(tally)
        except ValueError as error:
            raise EngineError("decoder_garbage", f"the decoder's counts: {error}", transient=True) from error

    def _take_frame(self, placed: Placed, attempt: _Attempt, now: float) -> None:
        ring = attempt.process.ring
        self._note(placed.tally)
        if self._shown_at is not None and placed.grabbed_at < self._shown_at - SET_BACK_S:
            # All that is known here has later times and would wait for them: the fleet begins a new run.
            self._leaving = "clock_set_back"
        if self._leaving:
            return
        attempt.media_at = self._shown_at = placed.grabbed_at
        attempt.first_frame_at = attempt.first_frame_at or now
        if now - attempt.first_frame_at > _STEADY_S:
            self._backoff.reset()
        self._status.frame(now, placed.digest, placed.tally)
        if is_late(placed.grabbed_at, self._lease, time.time()):
            self._desk.pass_over(placed, ring)
            return
        watched = self._services.live.is_watched(self.camera_id) or self._records_always()
        for request in self._desk.take(placed, ring, watched=watched):
            self._services.analysis.submit(request, self._post)

    def _serve(self, attempt: _Attempt) -> None:
        """Everything that time alone makes due: pictures, results, status, accounts."""
        now = self._source_now(attempt)
        self._show(now)
        if time.monotonic() - self._looked_at >= _LOOK_EVERY_S:
            self._looked_at = time.monotonic()
            self._report(self._desk.pipeline.reports(now))
            self._services.recordings.store(self._desk.pipeline.segments(now))
            self._status.look(self._looked_at)
            self._status.served(self._desk.versions.served, self._desk.versions.waiting)
            self._tell()
            self._tell_windows(now)

    def _source_now(self, attempt: _Attempt) -> float:
        """The clock of the frames: the wall clock, or for a file played fast its newest stamp."""
        source = self._lease.source
        if source.kind is SourceKind.FILE and not source.realtime and attempt.media_at is not None:
            return attempt.media_at
        return time.time()

    def _show(self, now: float) -> None:
        if time.time() > self._lease.valid_until:
            return
        watched = self._services.live.is_watched(self.camera_id)
        for shown in self._desk.pipeline.due(now, watched=watched):
            if self._services.live.publish(shown, self._lease):
                self._services.samples.offer(shown.redacted, self._lease, PictureKind.LIVE)

    def _report(self, reports: list[Report]) -> None:
        for report in reports:
            self._services.results.send(self._services.snapshots.store(report))
            if report.snapshot is not None:
                self._services.samples.offer(report.snapshot, self._lease, PictureKind.SNAPSHOT)

    def _tell(self) -> None:
        status = self._status.due(time.time(), self._shown_at)
        if status is not None:
            self._services.results.send(status)
        if time.monotonic() - self._accounted_at >= _ACCOUNT_EVERY_S:
            self._accounted_at = time.monotonic()
            if self._desk.ledger.captured:
                self._services.results.send(self._desk.ledger.account(time.time()))

    def _tell_windows(self, now: float, *, over: bool = False) -> None:
        for window in self._desk.windows(now, over=over):
            self._services.results.send(window)

    def _wanted_fps(self) -> float:
        """Frames that nobody would look at are not even copied out of the decoder."""
        lease = self._lease
        if self._services.live.is_watched(self.camera_id):
            return max(lease.analysis_fps, lease.display_fps)
        if self._records_always():
            return max(lease.analysis_fps, lease.recording.fps)
        return lease.analysis_fps if self._desk.gate.moving else min(lease.analysis_fps, IDLE_FPS)

    def _records_always(self) -> bool:
        """Recorded without a pause: faces are looked for as if somebody watched."""
        return self._lease.recording.mode is RecordingMode.CONTINUOUS

    def _tick_s(self) -> float:
        return _WATCHED_TICK_S if self._services.live.is_watched(self.camera_id) else _LOOK_EVERY_S

    # --- mail

    def _wait(self, descriptors: list[int], timeout_s: float) -> None:
        left_s = max(0.0, self._lease.valid_until - time.time())
        wait_readable([*descriptors, self._wake], min(timeout_s, left_s))
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            return

    def _open_mail(self) -> None:
        while True:
            try:
                letter = self._mail.get_nowait()
            except Empty:
                break
            if isinstance(letter, Answer):
                for request in self._desk.answer(letter):
                    self._services.analysis.submit(request, self._post)
            elif isinstance(letter, Lease):
                self._take_lease(letter)
            else:
                self._leaving = "lease_withdrawn"
        if not self._leaving and time.time() >= self._lease.valid_until:
            self._leaving = "lease_expired"

    def _take_lease(self, lease: Lease) -> None:
        self._restart = self._restart or lease.source != self._lease.source
        if self._restart:
            self._backoff.reset()
        self._lease = lease
        self._desk.update_lease(lease)
        self._status.lease(lease.revision)
        self._looked_at = 0.0  # the new revision is told at once

    # --- endings

    def _end_attempt(self, ended: Ended) -> None:
        """Say why, then wait for the next turn; a new source or the end of the lease cuts the wait."""
        wait_s = None if ended.code == "end_of_file" else self._backoff.next_wait_s(ended.code)
        self._status.ended(ended.code, ended.message, wait_s)
        until = time.monotonic() + (wait_s if wait_s is not None else float("inf"))
        self._restart = False
        while not (self._leaving or self._restart) and (left_s := until - time.monotonic()) > 0:
            self._show(time.time())
            self._report(self._desk.pipeline.reports(time.time()))
            self._services.recordings.store(self._desk.pipeline.segments(time.time()))
            self._tell()
            self._tell_windows(time.time())
            self._wait([], min(left_s, _LOOK_EVERY_S))
            self._open_mail()

    def _finish(self) -> None:
        self._report(self._desk.pipeline.finish(time.time()))
        self._services.recordings.store(self._desk.pipeline.recorder.finish())
        self._tell_windows(time.time(), over=True)
        self._services.live.forget(self.camera_id)
        self._status.ended(self._leaving, "", None)
        self._accounted_at = 0.0
        self._tell()
        with self._wake_lock:
            os.close(self._wake)
            self._wake = -1


def is_late(grabbed_at: float, lease: Lease, now: float) -> bool:
    """Did a frame wait so long for its runner that its picture would be old when it is shown?

    On a machine with too much to do the backlog would else become the delay of every picture. A file that
    is read as fast as possible has no delay.
    """
    if lease.source.kind is SourceKind.FILE and not lease.source.realtime:
        return False
    return now - grabbed_at > max(LATE_AFTER_S, lease.redaction.display_delay_s)
