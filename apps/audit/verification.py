"""Reads the whole chain and names the first record that is not what was written."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop as _
from rfc8785 import CanonicalizationError

from apps.audit.chain import GENESIS_PREVIOUS, TEXT_FIELDS, hash_of
from apps.audit.models import AuditHead, AuditRecord
from apps.audit.verdict import Broken, Verdict
from apps.audit.witness import Witness

_CHUNK = 2000
_FIELDS = ("seq", "at", "camera_id", "redacted", "details", "previous_hash", "hash", *TEXT_FIELDS)


@dataclass
class _Walk:
    """Where the walk is: the number that must come next and the hash that it must follow."""

    next_seq: int
    previous_hash: str = ""
    checked: int = 0

    def step(self, row: tuple[Any, ...]) -> None:
        seq, at, camera_id, redacted, details, previous_hash, stored_hash, *texts = row
        if seq != self.next_seq:
            raise Broken(self.next_seq, _("is missing: record %(seq)s comes in its place"), seq=seq)
        try:
            expected = hash_of(
                seq=seq,
                at=at,
                camera_id=camera_id,
                redacted=redacted,
                details=details,
                previous_hash=previous_hash,
                texts=dict(zip(TEXT_FIELDS, texts, strict=True)),
            )
        except (CanonicalizationError, ValueError, TypeError, AttributeError) as error:
            raise Broken(seq, _("cannot be read: %(error)s"), error=error) from error
        if expected != stored_hash:
            raise Broken(seq, _("was changed: its hash does not fit its content"))
        if previous_hash != self.previous_hash:
            raise Broken(
                seq - 1, _("was rewritten: record %(seq)s follows another one of that number"), seq=seq
            )
        self.next_seq, self.previous_hash = seq + 1, stored_hash
        self.checked += 1


def chain_verify(*, since: int = 0) -> Verdict:
    """Walks the chain from record `since` to the head, beside the signed checkpoints.

    Finds a changed field, a removed row, swapped rows, a cut tail, a rewritten hash. A chain that was
    rewritten as a whole, with its head, agrees with itself, but not with the checkpoints that cover it; what
    follows the last checkpoint is covered by none.
    """
    walk = _Walk(since)
    witness: Witness | None = None
    head: AuditHead | None = None
    try:
        witness = Witness(since)  # before the head is read: no checkpoint may name what comes after it
        head = AuditHead.objects.filter(pk=1).first()
        _walk_along(walk, witness, head)
    except Broken as broken:
        return _verdict(walk, witness, head, broken)
    return _verdict(walk, witness, head, None)


def _walk_along(walk: _Walk, witness: Witness, head: AuditHead | None) -> None:
    walk.previous_hash = _hash_before(walk.next_seq)
    for row in _rows(walk, walk.next_seq):
        walk.step(row)
        witness.step(walk.next_seq - 1, walk.previous_hash)
        if head is not None and walk.next_seq > head.seq:
            break
    _check_head(walk, head)
    witness.end(walk.next_seq)


def _verdict(walk: _Walk, witness: Witness | None, head: AuditHead | None, broken: Broken | None) -> Verdict:
    return Verdict(
        checked=walk.checked,
        head_seq=head.seq if head else None,
        first_bad_seq=broken.seq if broken else None,
        template=broken.template if broken else "",
        values=broken.values if broken else {},
        checkpoints=witness.compared if witness else 0,
        covered_seq=witness.covered_seq if witness else None,
        not_outside=witness.not_outside if witness else 0,
        time_stamps=witness.time_stamps if witness else 0,
        bad_time_stamps=tuple(witness.bad_time_stamps) if witness else (),
    )


def _hash_before(since: int) -> str:
    """The hash that record `since` has to follow; that record's own content is then taken as it is."""
    if since == 0:
        return GENESIS_PREVIOUS
    before = AuditRecord.objects.filter(seq=since - 1).values_list("hash", flat=True).first()
    if before is None:
        raise Broken(since - 1, _("is missing"))
    return before


def _rows(walk: _Walk, since: int) -> Iterator[tuple[Any, ...]]:
    rows = AuditRecord.objects.filter(seq__gte=since).order_by("seq").values_list(*_FIELDS)
    try:
        yield from rows.iterator(chunk_size=_CHUNK)
    except (ValueError, TypeError) as error:  # a value that is no time, JSON or UUID any more
        raise Broken(walk.next_seq, _("cannot be read: %(error)s"), error=error) from error


def _check_head(walk: _Walk, head: AuditHead | None) -> None:
    if head is None:
        raise Broken(walk.next_seq, _("cannot be checked: the head of the chain is missing"))
    if walk.next_seq <= head.seq:
        raise Broken(walk.next_seq, _("is missing: the head of the chain is record %(head)s"), head=head.seq)
    if head.seq == walk.next_seq - 1 and head.hash != walk.previous_hash:
        raise Broken(head.seq, _("was rewritten: the head of the chain has another hash"))
    _check_beyond(head.seq)


def _check_beyond(head_seq: int) -> None:
    """A row behind the head that no writer put there; the head is read again, as writers go on."""
    extra = AuditRecord.objects.filter(seq__gt=head_seq).order_by("seq").values_list("seq", flat=True).first()
    if extra is None:
        return
    head = AuditHead.objects.get(pk=1)
    if extra > head.seq:
        raise Broken(extra, _("was added: the head of the chain is record %(head)s"), head=head.seq)
