"""How a row gets its place in the chain."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection
from django.db.models import Model
from django.db.models.sql import InsertQuery
from django.utils.translation import gettext as _

from apps.audit.chain import clean_details, clean_text, record_hash
from apps.audit.models import AuditHead, AuditRecord, RecordKind
from apps.audit.triggers import HEAD
from apps.core import clock
from apps.core.context import AuditContext, note_failure
from apps.core.errors import Unavailable

Details = Mapping[str, Any]
logger = logging.getLogger(__name__)


def row_of(
    context: AuditContext,
    *,
    kind: RecordKind,
    action: str,
    object_type: str,
    object_id: str,
    camera_id: UUID | None = None,
    redacted: bool | None = None,
    details: Details | None = None,
    purpose: str = "",
) -> AuditRecord:
    """A row that has no place in the chain yet."""
    extra = {"token": context.token} if context.token else {}
    return AuditRecord(
        at=clock.now(),
        kind=kind.value,
        action=clean_text(action, 80),
        actor_id=clean_text(context.actor_id, 64),
        actor_name=clean_text(context.actor_name, 150),
        actor_role=clean_text(context.actor_role, 32),
        object_type=clean_text(object_type, 40),
        object_id=clean_text(object_id, 64),
        camera_id=camera_id,
        purpose=clean_text(purpose or context.purpose, 80),
        redacted=redacted,
        address=clean_text(context.address, 45),
        request_id=clean_text(context.request_id, 64),
        details=clean_details({**(details or {}), **extra}),
    )


def chain_append(records: Sequence[AuditRecord]) -> None:
    """Locks the head, links the rows to it one by one and moves it on; Unavailable when that fails."""
    try:
        head = AuditHead.objects.select_for_update().get(pk=1)
        seq, previous = head.seq, head.hash
        for record in records:
            seq += 1
            record.seq, record.previous_hash = seq, previous
            record.hash = previous = record_hash(record)
        moved = _store(records, AuditHead(seq=seq, hash=previous), after=head.seq)
    except (DatabaseError, AuditHead.DoesNotExist) as error:
        logger.exception("the record cannot be written: %s", records[0].action if records else "")
        raise _unavailable() from error
    if moved != 1:
        raise _unavailable()


def _store(records: Sequence[AuditRecord], head: AuditHead, *, after: int) -> int:
    """Insert the rows and move the head from `after`; 0 when it stands elsewhere.

    On PostgreSQL in one statement: every writer of the product waits for this lock, and each round trip
    makes it longer.
    """
    if connection.vendor != "postgresql":
        AuditRecord.objects.bulk_create(records)
        return AuditHead.objects.filter(pk=1, seq=after).update(seq=head.seq, hash=head.hash)
    query, rows = InsertQuery(AuditRecord), list[Model](records)
    query.insert_values(AuditRecord._meta.concrete_fields, rows)
    ((insert, values),) = query.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH entries AS ({insert}) UPDATE {HEAD} SET seq = %s, hash = %s WHERE id = 1 AND seq = %s",  # noqa: S608
            [*values, head.seq, head.hash, after],
        )
        moved = int(cursor.rowcount)
    for record in records:
        record._state.adding, record._state.db = False, connection.alias
    return moved


def _unavailable() -> Unavailable:
    error = Unavailable(
        "audit_unavailable",
        _(
            "The record cannot be written, so nothing was done or shown. Try again in a minute; "
            "if it stays so, an administrator can see the reason in the log of the web process."
        ),
    )
    note_failure(error)
    return error
