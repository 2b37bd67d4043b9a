"""The child's ends of the pipes and of the ring: what was decoded is placed, announced and counted."""

import os
import sys
import threading
import time
import zlib
from pathlib import Path
from queue import SimpleQueue

from inference_workers.contracts.codec import ContractError
from inference_workers.engine.frame import Image
from inference_workers.engine.ring import RingWriter
from inference_workers.engine.sources.messages import (
    Opened,
    Pace,
    Placed,
    RingGrant,
    Start,
    Tally,
    ToRunner,
    from_line,
    to_line,
)

MAX_WIDTH_PX = 1280
MAX_RING_PIXELS = 1280 * 960
_GRANT_WAIT_S = 10.0
_DIGEST_ROWS = 8
_EARLY_S = 0.005
_SLOT_POLL_S = 0.005


class RunnerLink:
    """The child's end of the pipes. Credentials are scrubbed from everything that is sent."""

    def __init__(self) -> None:
        self._out = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints must not break the lines
        self.secrets: tuple[str, ...] = ()
        self.grants: SimpleQueue[RingGrant] = SimpleQueue()
        self.max_fps = 0.0

    def start(self) -> Start:
        message = from_line(sys.stdin.buffer.readline())
        if not isinstance(message, Start):
            raise ContractError(f"expected Start, got {type(message).__name__}")
        self.secrets = (message.password,) if message.password else ()
        self.max_fps = message.max_fps
        threading.Thread(target=self._listen, name="runner-link", daemon=True).start()
        return message

    def send(self, message: ToRunner) -> None:
        line = to_line(message)
        while line:
            line = line[os.write(self._out, line) :]

    def _listen(self) -> None:
        for line in sys.stdin.buffer:
            message = from_line(line)
            if isinstance(message, Pace):
                self.max_fps = message.max_fps
            elif isinstance(message, RingGrant):
                self.grants.put(message)
        os._exit(0)  # the runner is gone; FFmpeg may be anywhere, so no orderly way out is waited for


class Placer:
    """Puts decoded frames into the ring and keeps the counts.

    Args:
        wait_for_slot: for sources that can wait (files played fast) nothing is lost when the ring is full.
    """

    def __init__(self, link: RunnerLink, *, wait_for_slot: bool) -> None:
        self._link = link
        self._wait_for_slot = wait_for_slot
        self._ring: RingWriter | None = None
        self._size = (0, 0)
        self._placed_at = float("-inf")
        self._tallied_at = float("-inf")
        self.decoded = self.rate = self.ring_full = self.errors = 0
        self.clock_offset_s: float | None = None

    def tally(self) -> Tally:
        return Tally(self.decoded, self.rate, self.ring_full, self.errors, self.clock_offset_s)

    def wants(self, grabbed_at: float) -> bool:
        """Count one decoded frame; whether its turn has come (else it counts as skipped by rate)."""
        self.decoded += 1
        period_s = 1.0 / max(self._link.max_fps, 0.1)
        elapsed_s = grabbed_at - self._placed_at
        if 0 <= elapsed_s < period_s - _EARLY_S:
            self.rate += 1
            self._report(grabbed_at)
            return False
        # Keeps the average rate: the next turn counts from when this one was due, not from when it came.
        late_s = elapsed_s - period_s
        self._placed_at = grabbed_at - late_s if 0 < late_s < period_s else grabbed_at
        return True

    def _report(self, grabbed_at: float) -> None:
        if grabbed_at - self._tallied_at >= 1.0:
            self._tallied_at = grabbed_at
            self._link.send(self.tally())

    def open_ring(self, width: int, height: int) -> None:
        """Ask for a ring of this frame size (again, when the stream's resolution changed)."""
        grant = self._link.grants.get(timeout=_GRANT_WAIT_S)
        self._ring = RingWriter(Path(grant.path))
        self._size = (width, height)

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    def place(self, pixels: Image, grabbed_at: float) -> None:
        """Copy uint8 BGR (height, width, 3) of the ring's size into a free slot and announce it."""
        ring = self._ring
        assert ring is not None  # noqa: S101 - open_ring comes first, by construction
        slot = ring.reserve()
        while slot is None and self._wait_for_slot:
            time.sleep(_SLOT_POLL_S)
            slot = ring.reserve()
        if slot is None:
            self.ring_full += 1
            self._report(grabbed_at)
            return
        width, height = self._size
        ring.pixels(slot, width, height)[:] = pixels
        digest = zlib.crc32(pixels[::_DIGEST_ROWS].tobytes())
        generation = ring.commit(slot, width, height)
        self._tallied_at = grabbed_at
        self._link.send(
            Placed(slot, generation, self.decoded - 1, grabbed_at, width, height, digest, self.tally())
        )


def ring_size(width: int, height: int) -> tuple[int, int]:
    """The size of the live path: at most 1280 wide and 1280x960 pixels, even, same proportions."""
    scale = min(1.0, MAX_WIDTH_PX / width, (MAX_RING_PIXELS / (width * height)) ** 0.5)
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def announce(link: RunnerLink, placer: Placer, opened: Opened) -> None:
    link.send(opened)
    placer.open_ring(opened.ring_width, opened.ring_height)
