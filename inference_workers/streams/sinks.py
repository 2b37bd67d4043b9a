"""Where redacted pictures and results leave the data plane: live viewers, the object store, the recorder.

Every sink that takes a picture takes a `RedactedFrame` (or a value that holds one); a raw picture has no way
in. No sink raises when its service is away, and none makes the camera wait for long: live pictures are lost
and counted, results are kept and sent again.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from redis import Redis
from redis.exceptions import RedisError

from inference_workers.contracts.codec import encode
from inference_workers.contracts.comparison import VersionWindow
from inference_workers.contracts.lease import Lease
from inference_workers.contracts.live import LiveHeader, pack
from inference_workers.contracts.names import RESULTS, live_channel, live_latest, watch_key
from inference_workers.contracts.recording import SegmentResult
from inference_workers.contracts.results import (
    Account,
    CameraStatus,
    ReadingResult,
    TrackResult,
)
from inference_workers.contracts.uploads import AnalyseImageReply
from inference_workers.engine.display import DisplayFrame, Report
from inference_workers.engine.errors import EngineError
from inference_workers.engine.redaction import RedactedFrame, encode_jpeg

WATCH_CACHE_S = 0.5
LATEST_MS = 5000
FPS_WINDOW_S = 3.0
RESULTS_MAXLEN = 200_000
BACKLOG_MAX = 20_000
FLUSH_BATCH = 200
RETRY_AFTER_S = 0.25
FAILED_KEYS_MAX = 1000

ResultMessage = (
    TrackResult | ReadingResult | CameraStatus | Account | SegmentResult | AnalyseImageReply | VersionWindow
)
Clock = Callable[[], float]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watch:
    """What is remembered about one camera's viewers and pictures."""

    asked_at: float = float("-inf")
    watched: bool = False
    published: deque[float] = field(default_factory=deque)

    def fps(self, now: float) -> float:
        while self.published and self.published[0] < now - FPS_WINDOW_S:
            self.published.popleft()
        if len(self.published) < 2:
            return 0.0
        return (len(self.published) - 1) / max(self.published[-1] - self.published[0], 1e-3)


# Enough for a tile and for a full screen at arm's length; every pixel more costs encoder, network, browser
# and shows tiny faces that the detector could not find.
LIVE_MAX_WIDTH_PX = 960
LIVE_QUALITY = 80
SNAPSHOT_QUALITY = 85


class LiveSink:
    """Publishes live pictures, encoded only while somebody watches. One instance serves many cameras.

    Attributes:
        published: pictures sent; lost: pictures that Redis did not take.
    """

    def __init__(self, redis: Redis, *, quality: int = LIVE_QUALITY, clock: Clock = time.time) -> None:
        self._redis = redis
        self._quality = quality
        self._clock = clock
        self._watches: dict[str, _Watch] = {}
        self.published = 0
        self.lost = 0

    def is_watched(self, camera_id: str) -> bool:
        """Does anybody watch the camera (known for half a second)? False when Redis cannot say."""
        watch = self._watches.setdefault(camera_id, _Watch())
        now = self._clock()
        if not 0 <= now - watch.asked_at < WATCH_CACHE_S:
            watch.asked_at = now
            watch.watched = self._ask(camera_id)
        return watch.watched

    def _ask(self, camera_id: str) -> bool:
        try:
            return bool(self._redis.exists(watch_key(camera_id)))
        except RedisError as error:
            _log.warning("live pictures: Redis did not answer: %s", type(error).__name__)
            return False

    def publish(self, display: DisplayFrame, lease: Lease) -> bool:
        """Send one picture to the viewers of its camera; False when nobody watches or Redis is away.

        Raises:
            TypeError: the picture is no DisplayFrame with a RedactedFrame.
        """
        if not isinstance(display, DisplayFrame) or not isinstance(display.redacted, RedactedFrame):
            raise TypeError(f"publish: expected a DisplayFrame, got {type(display).__name__}")
        if not self.is_watched(lease.camera_id):
            return False
        jpeg = encode_jpeg(display.redacted, self._quality, LIVE_MAX_WIDTH_PX)
        now = self._clock()
        watch = self._watches[lease.camera_id]
        watch.published.append(now)
        return self._send(lease.camera_id, pack(_header(display, lease, now, watch.fps(now)), jpeg))

    def _send(self, camera_id: str, message: bytes) -> bool:
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.publish(live_channel(camera_id), message)
                pipe.set(live_latest(camera_id), message, px=LATEST_MS)
                pipe.execute()
        except RedisError as error:
            self.lost += 1
            _log.warning("live pictures: Redis took none: %s", type(error).__name__)
            return False
        self.published += 1
        return True

    def forget(self, camera_id: str) -> None:
        """The camera is no longer leased: its newest picture goes at once."""
        self._watches.pop(camera_id, None)
        try:
            self._redis.delete(live_latest(camera_id))
        except RedisError as error:
            _log.warning("live pictures: the last one expires by itself: %s", type(error).__name__)


def _header(display: DisplayFrame, lease: Lease, now: float, fps: float) -> LiveHeader:
    picture = display.redacted
    return LiveHeader(
        camera_id=lease.camera_id,
        epoch=picture.epoch,
        seq=picture.seq,
        grabbed_at=picture.grabbed_at,
        published_at=now,
        width=picture.width,
        height=picture.height,
        fps=round(fps, 2),
        redaction=picture.redaction,
        boxes=display.boxes,
        models=dict(display.models),
    )


class SnapshotSink:
    """Stores the redacted pictures of events.

    Args:
        put: writes bytes under an object key; raises EngineError when the store is away.

    Attributes:
        stored: pictures written; failed: pictures that the object store did not take.
    """

    def __init__(self, put: Callable[[str, bytes], object], *, quality: int = SNAPSHOT_QUALITY) -> None:
        self._put = put
        self._quality = quality
        self._failed_keys: deque[str] = deque(maxlen=FAILED_KEYS_MAX)
        self.stored = 0
        self.failed = 0

    def store(self, report: Report) -> TrackResult | ReadingResult:
        """Write the report's picture, if it has one; returns the result to send then.

        A result never names a picture that was not stored: the key is taken out when the store failed.
        """
        key = report.result.snapshot_key
        if report.snapshot is not None and key is not None:
            self._write(key, encode_jpeg(report.snapshot, self._quality))
        return _without_snapshot(report.result) if key in self._failed_keys else report.result

    def _write(self, key: str, jpeg: bytes) -> None:
        try:
            self._put(key, jpeg)
        except EngineError:
            self.failed += 1
            self._failed_keys.append(key)
            _log.exception("snapshot %s: the object store did not take it", key)
        else:
            self.stored += 1


def _without_snapshot(result: TrackResult | ReadingResult) -> TrackResult | ReadingResult:
    if isinstance(result, TrackResult):
        return replace(result, snapshot_key=None, snapshot_redaction=None)
    return replace(result, snapshot_key=None)


class ResultSink:
    """Sends results to the recorder's stream, in order; keeps them while Redis is away. Thread safe.

    A result may arrive twice (Redis took it, its answer was lost); every contract message is idempotent.

    Attributes:
        sent: messages that Redis took; dropped: messages that did not fit into the backlog any more.
    """

    def __init__(self, redis: Redis, *, backlog: int = BACKLOG_MAX, clock: Clock = time.monotonic) -> None:
        self._redis = redis
        self._limit = backlog
        self._clock = clock
        self._backlog: deque[tuple[str, str]] = deque()
        self._retry_at = float("-inf")
        self._lock = threading.Lock()
        self.sent = 0
        self.dropped = 0

    def __len__(self) -> int:
        """Messages that wait."""
        return len(self._backlog)

    def send(self, message: ResultMessage) -> bool:
        """Queue a message and send what waits; False when something still waits."""
        with self._lock:
            self._backlog.append((type(message).__name__, encode(message)))
            while len(self._backlog) > self._limit:
                self._backlog.popleft()
                self.dropped += 1
        return self.flush()

    def flush(self) -> bool:
        """Send what waits; True when nothing waits any more."""
        with self._lock:
            while self._backlog and self._clock() >= self._retry_at:
                batch = [self._backlog[i] for i in range(min(FLUSH_BATCH, len(self._backlog)))]
                if not self._add(batch):
                    break
                for _ in batch:
                    self._backlog.popleft()
                self.sent += len(batch)
            return not self._backlog

    def _add(self, batch: list[tuple[str, str]]) -> bool:
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                for kind, data in batch:
                    pipe.xadd(RESULTS, {"type": kind, "data": data}, maxlen=RESULTS_MAXLEN, approximate=True)
                pipe.execute()
        except RedisError as error:
            self._retry_at = self._clock() + RETRY_AFTER_S
            _log.warning("results: Redis is away (%s), %d wait", type(error).__name__, len(self._backlog))
            return False
        return True
