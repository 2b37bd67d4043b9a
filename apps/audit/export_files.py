"""One archive per export: the file that was asked for, its signature, and what checks both."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

from django.db.models import QuerySet

from apps.audit.chain import TEXT_FIELDS, canonical, timestamp
from apps.audit.checkpoints import signed
from apps.audit.export import export_lines
from apps.audit.keys import public_keys
from apps.audit.models import AuditRecord
from apps.core import clock

SIGNED_FILE = "vidette.signed.file"
_STANDALONE = Path(__file__).resolve().parent / "standalone"
_COLUMNS = ("seq", "at", *TEXT_FIELDS, "camera_id", "redacted", "details", "hash")
_CHUNK = 2000
# A spreadsheet would read a cell that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
Renderer = Callable[[IO[bytes], QuerySet[AuditRecord], str, dict[str, Any]], int]


def archive_write(
    file: IO[bytes],
    name: str,
    render: Renderer,
    rows: QuerySet[AuditRecord],
    *,
    made_by: str,
    filters: dict[str, Any],
) -> tuple[int, str]:
    """Writes the archive; returns how many records are in it and the SHA-256 of the file `name`."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open(name, "w", force_zip64=True) as member:
            hashed = _Hashed(member)
            count = render(cast(IO[bytes], hashed), rows, made_by, filters)
        archive.writestr("signature.json", json.dumps(_signature(name, hashed.hexdigest, count), indent=1))
        for path in (_STANDALONE / "verify_record.py", _STANDALONE / "verify_record.html"):
            archive.write(path, path.name)
    return count, hashed.hexdigest


def render_json(file: IO[bytes], rows: QuerySet[AuditRecord], made_by: str, filters: dict[str, Any]) -> int:
    return export_lines(file, rows, made_by=made_by, filters=filters)


def render_csv(file: IO[bytes], rows: QuerySet[AuditRecord], made_by: str, filters: dict[str, Any]) -> int:
    """UTF-8 with the mark that spreadsheets need; cells that would be formulas are quoted."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    count = 0
    for row in rows.order_by("seq").iterator(chunk_size=_CHUNK):
        writer.writerow([_cell(row, name) for name in _COLUMNS])
        count += 1
    text.detach()
    return count


def _cell(row: AuditRecord, name: str) -> str:
    value = getattr(row, name)
    if name == "at":
        return timestamp(value)
    text = canonical(value).decode() if name == "details" else "" if value is None else str(value)
    return spreadsheet_cell(text)


def spreadsheet_cell(text: str) -> str:
    """The text of a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _signature(name: str, sha256: str, count: int) -> dict[str, Any]:
    return signed(
        {
            "kind": SIGNED_FILE,
            "file": name,
            "sha256": sha256,
            "records": count,
            "at": timestamp(clock.now()),
            "key_id": next(iter(public_keys())),
        }
    )


class _Hashed(io.RawIOBase):
    """Hands on what is written, and hashes it."""

    def __init__(self, target: IO[bytes]) -> None:
        super().__init__()
        self._target = target
        self._digest = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._digest.update(data)
        self._target.write(data)
        return len(data)

    @property
    def hexdigest(self) -> str:
        return self._digest.hexdigest()
