"""The pack that a person gets: a plain zip with the files and an index to read and one to compute with.

It is written into the object store while it is read from there; memory holds one part.
"""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, cast

from django.template.loader import render_to_string
from django.utils import translation

from apps.cameras.models import Camera
from apps.cases.models import Case, CaseItem, ItemKind
from apps.consent.notices import telling_of
from apps.core.large_objects import ObjectWriter, object_stream

FOLDER = "items"
MAX_PACK_BYTES = 2 * 1024**3
_SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "video/mp4": ".mp4"}


@dataclass(frozen=True, slots=True)
class Packed:
    sha256: str
    bytes: int


@dataclass
class _Sink:
    """A file that can only be written on, as `zipfile` needs it; counts and hashes what passes."""

    writer: ObjectWriter
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def write(self, data: bytes) -> int:
        self.writer.write(bytes(data))
        self.digest.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back here."""


def pack_write(key: str, case: Case, items: Sequence[CaseItem], *, at: datetime, language: str) -> Packed:
    """Write the pack of a request under `key`; a reader sees nothing of it before it is whole."""
    writer = ObjectWriter(key)
    sink = _Sink(writer)
    cameras = list(Camera.objects.filter(pk__in={item.camera_id for item in items if item.camera_id}))
    rows = [_row(number, item) for number, item in enumerate(items, start=1)]
    with zipfile.ZipFile(cast(IO[bytes], sink), "w", zipfile.ZIP_STORED) as archive:
        for item, row in zip(items, rows, strict=True):
            if row["file"]:
                _write_file(archive, row["file"], item.copy_key, at)
        with translation.override(language):
            page = render_to_string("cases/index.html", _context(case, rows, cameras, at, language))
        _write_text(archive, "index.html", page, at)
        _write_text(archive, "index.json", json.dumps(_document(case, rows, at), indent=1), at)
    writer.close()
    return Packed(sink.digest.hexdigest(), sink.size)


def _row(number: int, item: CaseItem) -> dict[str, Any]:
    """One line of the index. Names of files are made up here: nothing that came from outside is in them."""
    suffix = _SUFFIXES.get(item.copy_type, "")
    return {
        "number": number,
        "kind": item.kind,
        "what": item.title if item.kind in (ItemKind.EVENT, ItemKind.READING) else "",
        "place": item.camera_name,
        "from": item.since.isoformat(timespec="seconds"),
        "until": item.until.isoformat(timespec="seconds"),
        "file": f"{FOLDER}/{number:03d}-{item.kind}{suffix}" if item.copy_key and suffix else "",
        "sha256": item.copy_sha256 if item.copy_key else "",
        "person_visible": bool(item.shows_subject and item.facts.get("visible_tracks")),
    }


def _info(name: str, at: datetime) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
    info.external_attr = 0o644 << 16
    return info


def _write_file(archive: zipfile.ZipFile, name: str, key: str, at: datetime) -> None:
    with archive.open(_info(name, at), "w", force_zip64=True) as entry:
        for part in object_stream(key):
            entry.write(part)


def _write_text(archive: zipfile.ZipFile, name: str, text: str, at: datetime) -> None:
    archive.writestr(_info(name, at), text.encode())


def _context(
    case: Case, rows: list[dict[str, Any]], cameras: Sequence[Camera], at: datetime, language: str
) -> dict[str, Any]:
    tellings = {camera.name: telling_of(camera) for camera in cameras}
    kinds = {kind.value: kind.label for kind in ItemKind}
    lines = [{**row, "kind_words": kinds[row["kind"]]} for row in rows]
    return {"case": case, "rows": lines, "tellings": tellings.items(), "at": at, "language": language}


def _document(case: Case, rows: list[dict[str, Any]], at: datetime) -> dict[str, Any]:
    return {
        "case": case.reference,
        "person": case.subject,
        "made_at": at.isoformat(timespec="seconds"),
        "items": rows,
    }
