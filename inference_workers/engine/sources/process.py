"""The runner's end of a decoder: starts the child, reads its lines without blocking, ends it for sure."""

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path

from inference_workers.contracts.codec import ContractError
from inference_workers.contracts.lease import Source
from inference_workers.engine.errors import EngineError
from inference_workers.engine.ring import RingBudget, RingOwner, ring_name
from inference_workers.engine.sources.messages import (
    MAX_LINE_BYTES,
    Ended,
    Opened,
    Pace,
    Placed,
    RingGrant,
    Start,
    ToChild,
    ToRunner,
    from_line,
    to_line,
)
from inference_workers.engine.sources.scrub import scrub
from inference_workers.engine.sources.sign_in import Credentials

RING_SLOTS = 14
LEAST_SLOTS = 5
_ROOT = Path(__file__).resolve().parents[3]
_ERROR_LINES = 20
_END_WAIT_S = 2.0


def child_environment() -> dict[str, str]:
    """What a child may know: no settings and no secrets of this process."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1")
    return kept | one_thread | {"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


class DecoderProcess:
    """One running decoder and its ring. Used by one thread.

    Args:
        number: makes ring names of this process and camera unique.

    Attributes:
        ring: the ring that the child fills, None until the stream is open.
        lines: how many messages came; stays when the child dies.
    """

    def __init__(self, camera_id: str, shm_dir: Path, budget: RingBudget, number: int) -> None:
        self._camera_id = camera_id
        self._shm_dir = shm_dir
        self._budget = budget
        self._number = number
        self._secrets: tuple[str, ...] = ()
        self._buffer = bytearray()
        self.errors: deque[str] = deque(maxlen=_ERROR_LINES)
        self.ring: RingOwner | None = None
        self._retired: list[RingOwner] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "inference_workers.engine.sources.decoder"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(),
            cwd=_ROOT,
            start_new_session=True,
        )
        for descriptor in self.descriptors:
            os.set_blocking(descriptor, False)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def descriptors(self) -> tuple[int, int]:
        """stdout and stderr, to wait on."""
        assert self._process.stdout is not None  # noqa: S101 - made with PIPE above
        assert self._process.stderr is not None  # noqa: S101
        return self._process.stdout.fileno(), self._process.stderr.fileno()

    def start(
        self, source: Source, credentials: Credentials | None, roots: tuple[Path, ...], max_fps: float
    ) -> None:
        self._secrets = credentials.secrets if credentials else ()
        username = credentials.username if credentials else None
        password = credentials.password if credentials else None
        # The child needs no sealed token, it cannot open one.
        self._tell(Start(_unsealed(source), username, password, tuple(map(str, roots)), max_fps))

    def pace(self, max_fps: float) -> None:
        self._tell(Pace(max_fps))

    def read(self) -> tuple[list[ToRunner], bool]:
        """Messages that have come, and whether the child is still there.

        Raises:
            EngineError: `decoder_garbage`: it said something that is no message.
            EngineError: `shm_full`, `shm_budget`: its frames have no room.
        """
        self._read_errors()
        alive = self._fill()
        messages: list[ToRunner] = []
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            messages.append(self._understand(line))
        if len(self._buffer) > MAX_LINE_BYTES:
            raise EngineError("decoder_garbage", "the decoder sent an endless line", transient=True)
        for message in messages:
            if isinstance(message, Opened):
                self._open_ring(message)
        return messages, alive

    def _understand(self, line: bytes) -> ToRunner:
        try:
            message = from_line(line)
        except ContractError as error:
            raise EngineError("decoder_garbage", "the decoder sent no message", transient=True) from error
        if isinstance(message, ToChild):
            raise EngineError("decoder_garbage", "the decoder sent a message of ours", transient=True)
        if isinstance(message, Ended):
            return Ended(message.code, scrub(message.message, self._secrets), message.transient)
        return message

    def _fill(self) -> bool:
        while True:
            try:
                data = os.read(self.descriptors[0], 65536)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._buffer += data
            if len(data) < 65536:
                return True

    def _read_errors(self) -> None:
        with contextlib.suppress(BlockingIOError):
            text = os.read(self.descriptors[1], 65536).decode(errors="replace")
            self.errors.extend(scrub(line, self._secrets)[:300] for line in text.splitlines())

    def _open_ring(self, opened: Opened) -> None:
        slot_bytes = opened.ring_width * opened.ring_height * 3
        if self.ring is not None:
            self._retire(self.ring)
            self.ring = None
        slots = self._budget.slots_for(slot_bytes, RING_SLOTS, LEAST_SLOTS)
        name = ring_name(os.getpid(), self._camera_id, self._number * 1000 + len(self._retired))
        try:
            self.ring = RingOwner(self._shm_dir / name, slots, slot_bytes)
        except (EngineError, OSError):
            self._budget.give_back(slots, slot_bytes)
            raise
        self._tell(RingGrant(str(self.ring.path)))

    def _retire(self, ring: RingOwner) -> None:
        self._retired.append(ring)
        self._budget.give_back(ring.slots, ring.slot_bytes)
        ring.wipe_and_close()

    def holds(self, placed: Placed) -> bool:
        """Whether the announced frame really lies in the ring."""
        ring = self.ring
        return ring is not None and ring.matches(placed.slot, placed.generation, placed.width, placed.height)

    def _tell(self, message: ToChild) -> None:
        assert self._process.stdin is not None  # noqa: S101 - made with PIPE above
        with contextlib.suppress(BrokenPipeError):  # its end is noticed by `read`
            self._process.stdin.write(to_line(message))
            self._process.stdin.flush()

    def close(self) -> None:
        """Kill the child with everything it started, then wipe its ring."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_WAIT_S)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if self.ring is not None:
            self._retire(self.ring)
            self.ring = None


def _unsealed(source: Source) -> Source:
    return Source(
        kind=source.kind,
        url=source.url,
        transport=source.transport,
        loop=source.loop,
        realtime=source.realtime,
        allowed_networks=source.allowed_networks,
    )


def wait_readable(descriptors: list[int], timeout_s: float) -> None:
    """Sleep until one of the descriptors has something, at most `timeout_s`."""
    poller = select.poll()
    for descriptor in descriptors:
        poller.register(descriptor, select.POLLIN)
    poller.poll(max(0.0, timeout_s) * 1000)
