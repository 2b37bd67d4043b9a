"""Recorded segments on their way out: into the object store first, then the result to the recorder.

One thread for all cameras of a process, so that a slow store holds up no camera. While the store is away
segments wait in memory, within a bound; beyond it the oldest is lost and counted.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable

from inference_workers.engine.errors import EngineError
from inference_workers.engine.recorder import Segment
from inference_workers.streams.sinks import ResultSink

WAITING_BYTES_MAX = 192 * 2**20
RETRY_S = 1.0
STOP_WAIT_S = 5.0
_log = logging.getLogger(__name__)


class RecordingSink:
    """Thread safe. A result is sent only for a segment that lies in the store.

    Attributes:
        stored, lost: segments; failed: attempts that the store refused.
    """

    def __init__(self, put: Callable[[str, bytes], None], results: ResultSink) -> None:
        self._put = put
        self._results = results
        self._waiting: deque[Segment] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self.stored = 0
        self.lost = 0
        self.failed = 0

    def __len__(self) -> int:
        """Segments that wait."""
        return len(self._waiting)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Store what waits, within a few seconds."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(STOP_WAIT_S)

    def store(self, segments: Iterable[Segment]) -> None:
        """Queue finished segments."""
        with self._changed:
            for segment in segments:
                self._waiting.append(segment)
                self._bytes += _size(segment)
            while self._bytes > WAITING_BYTES_MAX:
                dropped = self._waiting.popleft()
                self._bytes -= _size(dropped)
                self.lost += 1
                _log.error("recording: %s is lost, the store is away", dropped.result.object_key)
            self._changed.notify_all()

    def _run(self) -> None:
        while (segment := self._next()) is not None:
            if self._write(segment):
                self._done(segment)
            elif self._stopping:
                return
            else:
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping, RETRY_S)

    def _next(self) -> Segment | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping)
            return self._waiting[0] if self._waiting else None

    def _write(self, segment: Segment) -> bool:
        result = segment.result
        try:
            if result.original is not None and segment.sealed is not None:
                self._put(result.original.object_key, segment.sealed)
            self._put(result.object_key, segment.data)
        except EngineError as error:
            self.failed += 1
            _log.warning("recording: %s waits for the store: %s", result.object_key, error)
            return False
        self._results.send(result)
        self.stored += 1
        return True

    def _done(self, segment: Segment) -> None:
        """Take it out, unless it was dropped as too much meanwhile."""
        with self._changed:
            if self._waiting and self._waiting[0] is segment:
                self._waiting.popleft()
                self._bytes -= _size(segment)


def _size(segment: Segment) -> int:
    return len(segment.data) + len(segment.sealed or b"")
