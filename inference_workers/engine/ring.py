"""Frames in shared memory: one memory-mapped file per camera with a fixed number of slots.

A slot has one owner at a time. FREE belongs to the writer (the decoder's child process); the writer makes it
WRITING and then READY, and with READY it belongs to the ring's owner (the camera's runner), who gives it
back as FREE once nobody needs the frame. The generation is odd while a slot is written and even afterwards
(a seqlock), so a reader in a third process (the GPU worker) can tell that its copy is the frame it asked for.

File: 4096 bytes of header (magic, slots, bytes per slot, then 64 bytes per slot), then the slots, each
starting at a page. The owner holds an exclusive flock while it lives; a file without one is left over.
"""

import contextlib
import errno
import fcntl
import mmap
import os
import re
import struct
import threading
import time
from collections import OrderedDict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference_workers.contracts.frames import FrameRef
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Image

PAGE = 4096
MAX_SLOTS = 32
FREE, WRITING, READY = 0, 1, 2
_MAGIC = b"VDTRING1"
_HEAD = struct.Struct("<8sIQ")
_SLOT_WORDS = 8  # generation, state, width, height, four spare words
_SLOTS_AT = 64
_NAME = re.compile(r"vidette-\d{1,10}-[A-Za-z0-9_-]{1,64}-\d{1,9}")
_GENERATION, _STATE, _WIDTH, _HEIGHT = range(4)


def slot_stride(slot_bytes: int) -> int:
    """Bytes from one slot to the next."""
    return -(-slot_bytes // PAGE) * PAGE


def ring_bytes(slots: int, slot_bytes: int) -> int:
    return PAGE + slots * slot_stride(slot_bytes)


def ring_name(pid: int, camera_id: str, number: int) -> str:
    """The file name of a ring; a camera id never becomes more than a plain word of it."""
    word = re.sub(r"[^A-Za-z0-9_-]", "_", camera_id)[:64] or "_"
    return f"vidette-{pid}-{word}-{number}"


class _Mapped:
    """The common part of the three views of a ring file."""

    def __init__(self, file_descriptor: int) -> None:
        size = os.fstat(file_descriptor).st_size
        if size < PAGE:
            raise EngineError("frame_gone", f"ring: expected at least {PAGE} bytes, got {size}")
        self._map = mmap.mmap(file_descriptor, size)
        magic, self.slots, self.slot_bytes = _HEAD.unpack_from(self._map)
        if magic != _MAGIC or not 0 < self.slots <= MAX_SLOTS:
            raise EngineError("frame_gone", "ring: the file is no ring of this release")
        if ring_bytes(self.slots, self.slot_bytes) > size:
            raise EngineError("frame_gone", f"ring: header promises more than its {size} bytes")
        words = np.frombuffer(self._map, np.uint64, self.slots * _SLOT_WORDS, _SLOTS_AT)
        self._words: NDArray[np.uint64] = words.reshape(self.slots, _SLOT_WORDS)

    def pixels(self, slot: int, width: int, height: int) -> Image:
        """The slot's memory as uint8 (height, width, 3), not copied."""
        count = width * height * 3
        if not 0 <= slot < self.slots or not 0 < count <= self.slot_bytes:
            raise EngineError(
                "frame_gone",
                f"ring: expected a slot below {self.slots} and at most {self.slot_bytes} bytes, "
                f"got slot {slot} with {count} bytes",
            )
        start = PAGE + slot * slot_stride(self.slot_bytes)
        return np.frombuffer(self._map, np.uint8, count, start).reshape(height, width, 3)

    def generation(self, slot: int) -> int:
        return int(self._words[slot, _GENERATION])

    def matches(self, slot: int, generation: int, width: int, height: int) -> bool:
        """Whether the slot holds the finished frame that an announcement or reference names."""
        if not 0 <= slot < self.slots:
            return False
        words = self._words[slot]
        return (
            generation % 2 == 0
            and int(words[_GENERATION]) == generation
            and int(words[_WIDTH]) == width
            and int(words[_HEIGHT]) == height
        )


class RingWriter(_Mapped):
    """The decoder's end: fills free slots."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            super().__init__(file.fileno())

    def reserve(self) -> int | None:
        """A free slot, marked as being written; None when all belong to the owner."""
        free = np.flatnonzero(self._words[:, _STATE] == FREE)
        if not len(free):
            return None
        slot = int(free[0])  # the lowest one, so that an idle ring stays small in the cache
        self._words[slot, _STATE] = WRITING
        self._words[slot, _GENERATION] += np.uint64(1)
        return slot

    def commit(self, slot: int, width: int, height: int) -> int:
        """Hand the slot to the owner; returns the generation that readers must find."""
        words = self._words[slot]
        words[_WIDTH], words[_HEIGHT] = width, height
        words[_GENERATION] += np.uint64(1)
        words[_STATE] = READY
        return int(words[_GENERATION])


class RingOwner(_Mapped):
    """The runner's end: creates the file, lends frames to readers, frees slots, wipes at the end."""

    def __init__(self, path: Path, slots: int, slot_bytes: int) -> None:
        self.path = path
        self._lock_file = _create(path, slots, slot_bytes)
        super().__init__(self._lock_file)

    @property
    def name(self) -> str:
        return self.path.name

    def release(self, slot: int) -> None:
        """Give a slot back to the writer; its generation becomes stale for readers at once."""
        words = self._words[slot]
        words[_GENERATION] += np.uint64(2)
        words[_STATE] = FREE

    def wipe_and_close(self) -> None:
        """Overwrite all pixels and remove the file. Other processes that still map it see zeros."""
        if self._lock_file < 0:
            return
        self._words[:, _GENERATION] += np.uint64(2)
        np.frombuffer(self._map, np.uint8)[PAGE:] = 0
        self.path.unlink(missing_ok=True)
        os.close(self._lock_file)
        self._lock_file = -1


def _create(path: Path, slots: int, slot_bytes: int) -> int:
    size = ring_bytes(slots, slot_bytes)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Really taken now: a sparse file on a full tmpfs would kill the writer with SIGBUS later.
        os.posix_fallocate(descriptor, 0, size)
        os.pwrite(descriptor, _HEAD.pack(_MAGIC, slots, slot_bytes), 0)
    except OSError as error:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        if error.errno != errno.ENOSPC:
            raise
        raise EngineError(
            "shm_full",
            f"{path.parent} has no room for {size // 2**20} MiB of frames; make it larger (Docker: "
            "--shm-size) or set VIDETTE_SHM_DIR to another memory file system",
            transient=True,
        ) from error
    return descriptor


class FrameRing:
    """Reads frames that a `FrameRef` names, from any process; keeps the files mapped."""

    _FORGET_EVERY_S = 5.0

    def __init__(self, shm_dir: Path, keep: int = 64) -> None:
        self._dir = shm_dir
        self._keep = keep
        self._open: OrderedDict[str, _Mapped] = OrderedDict()
        self._lock = threading.Lock()
        self._forget_at = 0.0

    def read(self, ref: FrameRef) -> Image:
        """A copy of the frame, uint8 BGR (height, width, 3).

        Raises:
            EngineError: `frame_gone`: the slot was used again, or the ring is closed. Never transient: the
                picture will not come back.
        """
        mapped = self._mapped(ref.ring)
        if mapped.matches(ref.slot, ref.generation, ref.width, ref.height):
            image = mapped.pixels(ref.slot, ref.width, ref.height).copy()
            if mapped.generation(ref.slot) == ref.generation:
                return image
        raise EngineError("frame_gone", f"camera {ref.camera_id}, frame {ref.seq}: its memory was used again")

    def _mapped(self, name: str) -> _Mapped:
        with self._lock:
            self._forget_closed()
            if name not in self._open:
                self._open[name] = self._map(name)
            self._open.move_to_end(name)
            while len(self._open) > self._keep:
                self._open.popitem(last=False)
            return self._open[name]

    def _map(self, name: str) -> _Mapped:
        if not _NAME.fullmatch(name):
            raise EngineError("frame_gone", f"expected the name of a ring, got {name[:80]!r}")
        try:
            with (self._dir / name).open("r+b") as file:
                return _Mapped(file.fileno())
        except OSError as error:
            raise EngineError("frame_gone", f"ring {name} is closed") from error

    def _forget_closed(self) -> None:
        now = time.monotonic()
        if now < self._forget_at:
            return
        self._forget_at = now + self._FORGET_EVERY_S
        for name in [name for name in self._open if not (self._dir / name).exists()]:
            del self._open[name]


class RingBudget:
    """How much shared memory all rings of this process may take together."""

    def __init__(self, total_bytes: int) -> None:
        self.total_bytes = total_bytes
        self.used_bytes = 0
        self._lock = threading.Lock()

    def slots_for(self, slot_bytes: int, wanted: int, least: int) -> int:
        """Reserve as many slots as fit, at most `wanted`; give them back with `give_back`.

        Raises:
            EngineError: `shm_budget` when not even `least` slots fit.
        """
        with self._lock:
            for slots in range(wanted, least - 1, -1):
                size = ring_bytes(slots, slot_bytes)
                if self.used_bytes + size <= self.total_bytes:
                    self.used_bytes += size
                    return slots
        raise EngineError(
            "shm_budget",
            f"all cameras together may use {self.total_bytes // 2**20} MiB of shared memory and "
            f"{self.used_bytes // 2**20} MiB are taken; raise VIDETTE_SHM_BUDGET_MB or add a shard",
            transient=True,
        )

    def give_back(self, slots: int, slot_bytes: int) -> None:
        with self._lock:
            self.used_bytes -= ring_bytes(slots, slot_bytes)


def remove_stale_rings(shm_dir: Path) -> int:
    """Remove rings whose owner is dead (nobody holds their lock); returns how many."""
    removed = 0
    for path in shm_dir.glob("vidette-*"):
        if not _NAME.fullmatch(path.name):
            continue
        with (
            contextlib.suppress(FileNotFoundError, BlockingIOError, PermissionError),
            path.open("rb") as file,
        ):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
            removed += 1
    return removed
