"""A signed export of the record: what `standalone/verify_record.py` and `verify_record.html` read.

`record.jsonl` holds one JSON object per line: a header, the signed checkpoints, the records, an end with the
signature. A complete export is checked by its chain. In a filtered one each record carries the Merkle path to
the root of the checkpoint that covers it, so that nobody has to show the records in between.
"""

import hashlib
import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import IO, Any

from django.db.models import QuerySet

from apps.audit import keys
from apps.audit.chain import canonical, content_of, timestamp
from apps.audit.checkpoints import (
    MOST_RECORDS,
    Checkpoint,
    CheckpointRefused,
    checkpoint_statement,
    checkpoints_outside,
    checkpoints_stored,
    record_id,
    signed,
)
from apps.audit.merkle import Tree
from apps.audit.models import AuditHead, AuditRecord
from apps.core import clock
from apps.core.errors import Unavailable

KIND = "vidette.record.export"
CLOSING = "vidette.record.closing"
FORMAT = 1
_CHUNK = 2000
logger = logging.getLogger(__name__)


class LineWriter:
    """Writes lines of canonical JSON and keeps the digest over their digests."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lines = hashlib.sha256()
        self.records = 0

    def write(self, kind: str, content: dict[str, Any]) -> None:
        line = canonical({"type": kind, **content})
        self._lines.update(hashlib.sha256(line).digest())
        self._file.write(line + b"\n")
        self.records += kind == "record"

    def end(self) -> None:
        statement = {
            "kind": KIND,
            "records": self.records,
            "lines": self._lines.hexdigest(),
            "key_id": next(iter(keys.public_keys())),
        }
        signature = keys.sign(canonical(statement))
        self._file.write(canonical({"type": "end", **statement, "signature": signature.value}) + b"\n")


def export_lines(
    file: IO[bytes], rows: QuerySet[AuditRecord], *, made_by: str, filters: dict[str, Any]
) -> int:
    """Writes the records of `rows` with their proofs; without filters the whole record. Returns how many.

    What comes after the last checkpoint is covered by a closing statement that is signed here.
    """
    head = AuditHead.objects.get(pk=1)
    spans = _spans(head)
    writer = LineWriter(file)
    complete = not filters
    # What was entered since the head was read is covered by none of the statements, so it stays out.
    known = rows.filter(seq__lte=head.seq).order_by("seq")
    numbers = [] if complete else list(known.values_list("seq", flat=True))
    header: dict[str, Any] = {
        "kind": KIND,
        "format": FORMAT,
        "made_at": timestamp(clock.now()),
        "made_by": made_by,
        "filters": {name: _plain(value) for name, value in filters.items()},
        "complete": complete,
        "record": record_id(),
        "head": {"seq": head.seq, "hash": head.hash},
        "keys": list(keys.public_keys().values()),
    }
    writer.write("header", header if complete else header | {"numbers": numbers})
    if complete:
        _write_complete(writer, spans, head)
    else:
        _write_part(writer, spans, numbers)
    writer.end()
    return writer.records


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamp(value)
    return str(value) if isinstance(value, uuid.UUID) else value


def _spans(head: AuditHead) -> list[Checkpoint]:
    """Every checkpoint, and closing statements up to the head.

    Where records are missing the statement covers what is left, and the check of the export names the first.
    """
    spans = _checkpoints()
    while (first := spans[-1].last + 1 if spans else 0) <= head.seq:
        last = min(head.seq, first + MOST_RECORDS - 1)
        hashes = _hashes(first, last)
        if not hashes:
            break
        before = spans[-1] if spans else None
        document = signed(checkpoint_statement(before, first, last, hashes, kind=CLOSING))
        spans.append(_closing(document, hashes))
    return spans


def _closing(document: dict[str, Any], hashes: list[str]) -> Checkpoint:
    statement = document["statement"]
    return Checkpoint(
        number=statement["number"],
        first=statement["first"],
        last=statement["last"],
        hash=statement["hash"],
        root=statement["root"],
        at=statement["at"],
        document=document | {"hashes": hashes, "time_stamp": None},
        hashes=tuple(hashes),
    )


def _checkpoints() -> list[Checkpoint]:
    """Those outside, which carry the hashes that name a rewritten record; those of the database else."""
    found = {checkpoint.number: checkpoint for checkpoint in checkpoints_stored()}
    try:
        found |= {checkpoint.number: checkpoint for checkpoint in checkpoints_outside()}
    except (Unavailable, CheckpointRefused) as error:
        # An export shows what there is; the check of the chain says what is wrong with them.
        logger.warning("the record is exported without its checkpoints outside: %s", error)
    return [found[number] for number in sorted(found)]


def _hashes(first: int, last: int) -> list[str]:
    rows = AuditRecord.objects.filter(seq__gte=first, seq__lte=last).order_by("seq")
    return list(rows.values_list("hash", flat=True))


def _write_complete(writer: LineWriter, spans: Sequence[Checkpoint], head: AuditHead) -> None:
    for checkpoint in spans:
        writer.write("checkpoint", dict(checkpoint.document))
    rows = AuditRecord.objects.filter(seq__lte=head.seq).order_by("seq")
    for row in rows.iterator(chunk_size=_CHUNK):
        writer.write("record", {"record": content_of(row), "hash": row.hash})


def _write_part(writer: LineWriter, spans: Sequence[Checkpoint], numbers: Sequence[int]) -> None:
    """Only the checkpoints that cover one of the records, then these with their paths."""
    needed = list(_by_span(spans, numbers))
    for checkpoint, _seqs in needed:
        document = {name: value for name, value in checkpoint.document.items() if name != "hashes"}
        writer.write("checkpoint", document)
    for place, (checkpoint, seqs) in enumerate(needed):
        tree = Tree(_hashes(checkpoint.first, checkpoint.last))
        wanted = set(seqs)
        for row in AuditRecord.objects.filter(seq__gte=seqs[0], seq__lte=seqs[-1]).order_by("seq"):
            if row.seq in wanted:
                content = {"record": content_of(row), "hash": row.hash, "checkpoint": place}
                writer.write("record", content | {"path": tree.path(row.seq - checkpoint.first)})


def _by_span(spans: Sequence[Checkpoint], numbers: Iterable[int]) -> Iterator[tuple[Checkpoint, list[int]]]:
    """Each checkpoint that covers one of the numbers, with those; both ascend."""
    place = 0

    def span_of(seq: int) -> int:
        nonlocal place
        while spans[place].last < seq:
            place += 1
        return place

    for found, seqs in groupby(numbers, key=span_of):
        yield spans[found], list(seqs)
