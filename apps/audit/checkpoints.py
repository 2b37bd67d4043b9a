"""Signed checkpoints: what the record was at a moment, kept where the database's owner cannot rewrite it.

A chain alone can be rewritten as a whole. Each checkpoint signs the head of the chain and the Merkle root
over the records since the one before, names that one by its hash, and is copied to write-once storage
together with the hashes of those records, so that a rewritten record is named and not only suspected.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.audit import keys, outside, timestamps
from apps.audit.chain import GENESIS_PREVIOUS, canonical, timestamp
from apps.audit.merkle import Tree
from apps.audit.models import AuditCheckpoint, AuditHead, AuditRecord
from apps.core import clock

FORMAT = 1
KIND = "vidette.record.checkpoint"
MOST_RECORDS = 1000
STATEMENT_FIELDS = frozenset(
    {"kind", "format", "number", "first", "last", "hash", "root", "at", "record", "previous", "key_id"}
)
logger = logging.getLogger(__name__)


class CheckpointRefused(ValueError):
    """A document that is no checkpoint of this record; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One signed statement. `hashes` are those of records `first` to `last`; empty where only the database
    has it."""

    number: int
    first: int
    last: int
    hash: str
    root: str
    at: str
    document: Mapping[str, Any]
    hashes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """What the next checkpoint names as its previous one."""
        return hashlib.sha256(canonical(dict(self.document["statement"]))).hexdigest()


def checkpoints_make(*, force: bool = False) -> int:
    """Makes the checkpoints that are due, or one up to the head with `force`; returns how many."""
    made = 0
    while (span := _due_span(force)) is not None:
        if not _make(*span):
            break
        made += 1
    return made


def checkpoint_last() -> AuditCheckpoint | None:
    return AuditCheckpoint.objects.order_by("-number").first()


def checkpoint_read(text: bytes | str) -> Checkpoint:
    """The checkpoint in a document, its signature checked against the trusted keys.

    Raises CheckpointRefused for anything else.
    """
    try:
        document = json.loads(text)
        statement = document["statement"]
        if set(statement) != STATEMENT_FIELDS or statement["kind"] != KIND:
            raise CheckpointRefused("it is no checkpoint of a record")
        checkpoint = checkpoint_of(document)
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointRefused(f"it cannot be read: {error}") from error
    _check_signature(checkpoint)
    if checkpoint.hashes and Tree(checkpoint.hashes).root != checkpoint.root:
        raise CheckpointRefused("the hashes in it are not those that were signed")
    return checkpoint


def checkpoints_outside() -> Iterator[Checkpoint]:
    """All checkpoints of the write-once storage, in their order."""
    for number in outside.outside_numbers():
        data = outside.outside_read(number)
        if data is None:
            raise CheckpointRefused(f"checkpoint {number} went away while it was read")
        try:
            yield checkpoint_read(data)
        except CheckpointRefused as error:
            raise CheckpointRefused(f"checkpoint {number} is not what was signed: {error}") from error


def checkpoints_stored() -> Iterator[Checkpoint]:
    """All checkpoints that the database holds; they carry no hashes."""
    for row in AuditCheckpoint.objects.order_by("number").iterator():
        yield checkpoint_of(row.document)


def checkpoint_of(document: Mapping[str, Any]) -> Checkpoint:
    """The checkpoint in a document of our own, whose signature is not asked again."""
    statement = document["statement"]
    hashes = tuple(document.get("hashes") or ())
    checkpoint = Checkpoint(
        number=int(statement["number"]),
        first=int(statement["first"]),
        last=int(statement["last"]),
        hash=str(statement["hash"]),
        root=str(statement["root"]),
        at=str(statement["at"]),
        document=document,
        hashes=hashes,
    )
    if hashes and (len(hashes) != checkpoint.last - checkpoint.first + 1 or hashes[-1] != checkpoint.hash):
        raise CheckpointRefused("the hashes in it do not belong to the records that it names")
    return checkpoint


def _check_signature(checkpoint: Checkpoint) -> None:
    statement = dict(checkpoint.document["statement"])
    public_key = keys.public_keys().get(str(statement["key_id"]))
    if public_key is None:
        raise CheckpointRefused(f"it is signed with key {statement['key_id']}, which is not trusted here")
    if not keys.signature_holds(public_key, canonical(statement), str(checkpoint.document.get("signature"))):
        raise CheckpointRefused("its signature does not hold")


def _due_span(force: bool) -> tuple[AuditCheckpoint | None, int, int] | None:
    """The last checkpoint and the first and last record of the next one; None while none is due."""
    before = checkpoint_last()
    first = before.last + 1 if before is not None else 0
    head = AuditHead.objects.filter(pk=1).first()
    if head is None or head.seq < first:
        return None
    last = min(head.seq, first + MOST_RECORDS - 1)
    due = force or last - first + 1 >= settings.CHECKPOINT_RECORDS or _is_old(first)
    return (before, first, last) if due else None


def _is_old(seq: int) -> bool:
    at: datetime | None = AuditRecord.objects.filter(seq=seq).values_list("at", flat=True).first()
    return at is not None and clock.now() - at >= timedelta(minutes=settings.CHECKPOINT_MINUTES)


def _make(before: AuditCheckpoint | None, first: int, last: int) -> bool:
    """Outside first, then the database: what stops between the two is taken up at the next tick."""
    rows = AuditRecord.objects.filter(seq__gte=first, seq__lte=last).order_by("seq")
    hashes = list(rows.values_list("hash", flat=True))
    if len(hashes) != last - first + 1:
        logger.error("no checkpoint: records %s to %s are not all there; run `audit verify`", first, last)
        return False
    document = _document(before, first, last, hashes)
    number = document["statement"]["number"]
    if not outside.outside_create(number, canonical(document | {"hashes": hashes})):
        found = _adopted(number, before, first)
        if found is None:
            return False
        document = found
    return _store(number, document)


def _document(before: AuditCheckpoint | None, first: int, last: int, hashes: list[str]) -> dict[str, Any]:
    previous = checkpoint_of(before.document) if before is not None else None
    statement = checkpoint_statement(previous, first, last, hashes, kind=KIND)
    return signed(statement) | {"time_stamp": timestamps.time_stamp(canonical(statement))}


def checkpoint_statement(
    before: Checkpoint | None, first: int, last: int, hashes: list[str], *, kind: str
) -> dict[str, Any]:
    """What is signed about records `first` to `last`, which follow those of `before`."""
    return {
        "kind": kind,
        "format": FORMAT,
        "number": before.number + 1 if before is not None else 0,
        "first": first,
        "last": last,
        "hash": hashes[-1],
        "root": Tree(hashes).root,
        "at": timestamp(clock.now()),
        "record": record_id(),
        "previous": before.digest if before is not None else GENESIS_PREVIOUS,
        "key_id": next(iter(keys.public_keys())),
    }


def signed(statement: dict[str, Any]) -> dict[str, Any]:
    """A statement with the signature over its canonical form, and the key that checks it."""
    signature = keys.sign(canonical(statement))
    return {
        "statement": statement,
        "signature": signature.value,
        "public_key": keys.public_keys()[signature.key_id],
    }


def record_id() -> str:
    """The hash of the record's first entry: which record this is."""
    return str(AuditRecord.objects.values_list("hash", flat=True).get(seq=0))


def _adopted(number: int, before: AuditCheckpoint | None, first: int) -> dict[str, Any] | None:
    """The checkpoint of that number which lies outside already, if the database agrees with it.

    Another worker wrote it, or this one before it was stopped; else the database was set back or rewritten.
    """
    try:
        found = checkpoint_read(outside.outside_read(number) or b"")
    except CheckpointRefused as error:
        logger.error("checkpoint %s in the storage is not what was signed: %s", number, error)
        return None
    previous = checkpoint_of(before.document).digest if before is not None else GENESIS_PREVIOUS
    rows = AuditRecord.objects.filter(seq__gte=first, seq__lte=found.last).order_by("seq")
    agrees = found.document["statement"]["previous"] == previous
    if not agrees or tuple(rows.values_list("hash", flat=True)) != found.hashes:
        logger.error("checkpoint %s in the storage holds other records than the database", number)
        return None
    return {name: value for name, value in found.document.items() if name != "hashes"}


def _store(number: int, document: dict[str, Any]) -> bool:
    statement = document["statement"]
    try:
        with transaction.atomic():
            AuditCheckpoint.objects.create(
                number=number, first=statement["first"], last=statement["last"], document=document
            )
    except IntegrityError:  # another worker was first; the storage let only one of the two write
        logger.info("checkpoint %s is stored already", number)
    return True
