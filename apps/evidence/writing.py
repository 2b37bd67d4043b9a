"""The archive of a pack, written as it is read: first every file is measured, then all of them are copied.

The layout is the one that `standalone/verify_pack.py` rebuilds: files stored as they are, in the order of the
manifest, nothing between them.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from apps.core.errors import Conflict
from apps.core.large_objects import object_stream
from apps.evidence.standalone.verify_pack import Entry, directory

MOST_BYTES = 2 * 1024**3  # the plain archive format ends at 4 GiB


class Sink(Protocol):
    def write(self, data: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a pack. `parts` reads it anew each time; `sha256` is what it must be, where known."""

    name: str
    parts: Callable[[], Iterator[bytes]]
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    source: Source
    entry: Entry
    sha256: str


def of_bytes(name: str, data: bytes) -> Source:
    return Source(name, lambda: iter((data,)))


def of_object(name: str, key: str, sha256: str = "") -> Source:
    return Source(name, lambda: object_stream(key), sha256)


def measure(source: Source) -> Measured:
    """Raises Conflict when the file is not what was recorded of it."""
    digest, crc, size = hashlib.sha256(), 0, 0
    for part in source.parts():
        digest.update(part)
        crc = zlib.crc32(part, crc)
        size += len(part)
    found = digest.hexdigest()
    if source.sha256 and found != source.sha256:
        raise _changed(source.name)
    return Measured(source, Entry(source.name, crc, size), found)


def archive_write(sink: Sink, files: Iterable[Measured]) -> tuple[str, int]:
    """Writes the archive; returns its SHA-256 and its size in bytes."""
    hashed, entries = _Hashed(sink), []
    for file in files:
        hashed.write(file.entry.header())
        _copy(hashed, file)
        entries.append(file.entry)
    hashed.write(directory(entries))
    return hashed.digest.hexdigest(), hashed.size


def _copy(sink: Sink, file: Measured) -> None:
    digest = hashlib.sha256()
    for part in file.source.parts():
        digest.update(part)
        sink.write(part)
    if digest.hexdigest() != file.sha256:
        raise _changed(file.source.name)


def _changed(name: str) -> Conflict:
    message = f"{name} is not the file that was recorded: its SHA-256 differs. No pack is made of it."
    return Conflict("file_changed", message)


class _Hashed:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self.digest.update(data)
        self.size += len(data)
        self._sink.write(data)
