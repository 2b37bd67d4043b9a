"""Writes the record. Every function adds one link to the chain; what it cannot write must not happen.

Changes and accesses are recorded inside the transaction of what they record, so that neither exists without
the other. Record last: the head of the chain stays locked until that transaction ends.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from apps.audit.blocks import BlockWriter
from apps.audit.chain import clean_details, clean_text, record_hash
from apps.audit.models import AuditHead, AuditRecord, RecordKind
from apps.core import clock
from apps.core.context import AuditContext, at_context_end, context_for, current_context
from apps.core.errors import Unavailable

logger = logging.getLogger(__name__)

Details = Mapping[str, Any]


def record_change(
    *,
    action: str,
    object_type: str,
    object_id: str,
    camera_id: UUID | None = None,
    details: Details | None = None,
    acting_user: Any = None,
) -> AuditRecord:
    """Records a change, in its own transaction. `acting_user` names the actor where the context has none."""
    _needs_transaction("record_change")
    return _append(
        _context(acting_user),
        kind=RecordKind.CHANGE,
        action=action,
        object_type=object_type,
        object_id=object_id,
        camera_id=camera_id,
        details=details,
    )


def record_access(
    *,
    action: str,
    object_type: str,
    object_id: str,
    camera_id: UUID | None = None,
    redacted: bool | None = None,
    details: Details | None = None,
    acting_user: Any = None,
    purpose: str = "",
) -> AuditRecord:
    """Records that somebody is shown something, before it is shown."""
    _needs_transaction("record_access")
    return _append(
        _context(acting_user),
        kind=RecordKind.ACCESS,
        action=action,
        object_type=object_type,
        object_id=object_id,
        camera_id=camera_id,
        redacted=redacted,
        details=details,
        purpose=purpose,
    )


def record_refusal(
    *,
    action: str,
    object_type: str,
    object_id: str,
    details: Details | None = None,
    acting_user: Any = None,
    purpose: str = "",
) -> AuditRecord | None:
    """Records an attempt that was refused.

    A refusal usually ends in an exception, and an exception rolls the surrounding transaction back. Inside a
    transaction the record is therefore put off to the end of the request (None is returned).
    """
    context = _context(acting_user)
    values: dict[str, Any] = {
        "kind": RecordKind.REFUSAL,
        "action": action,
        "object_type": object_type,
        "object_id": object_id,
        "details": details,
        "purpose": purpose,
    }
    with ExitStack() as stack:
        try:
            stack.enter_context(transaction.atomic(durable=True))
        except RuntimeError:  # inside a transaction already
            if at_context_end(lambda: _append_alone(context, values)):
                return None
        return _append(context, **values)


def record_viewing(
    *,
    camera_id: UUID,
    started_at: datetime,
    ended_at: datetime,
    pictures: int,
    redacted: bool,
    models: Mapping[str, str],
    acting_user: Any = None,
    purpose: str = "",
) -> AuditRecord:
    """Seals one block of live viewing: who watched which camera from when to when, and what was shown."""
    span = {"started_at": started_at, "ended_at": ended_at}
    record = _row(
        _context(acting_user),
        kind=RecordKind.VIEWING,
        action="live.view",
        object_type="camera",
        object_id=str(camera_id),
        camera_id=camera_id,
        redacted=redacted,
        purpose=purpose,
        details={**span, "pictures": pictures, "models": dict(models)},
    )
    _blocks.write([record])
    return record


def record_listing(
    *,
    action: str,
    object_type: str,
    shown: Mapping[UUID, int],
    terms: Details,
    acting_user: Any = None,
    purpose: str = "",
) -> None:
    """Records that somebody is shown a list, before it is shown: one row per camera with the number of its
    lines, so that the question who saw a camera finds it. A search that finds nothing leaves a row as well.
    """
    context = _context(acting_user)
    counts: list[tuple[UUID | None, int]] = [*shown.items()] or [(None, 0)]
    _blocks.write(
        [
            _row(
                context,
                kind=RecordKind.ACCESS,
                action=action,
                object_type=object_type,
                object_id="",
                camera_id=camera_id,
                details={"terms": dict(terms), "shown": count},
                purpose=purpose,
            )
            for camera_id, count in counts
        ]
    )


def record_sign_in(*, action: str, details: Details | None = None, acting_user: Any = None) -> AuditRecord:
    """Records a sign-in, a failed one, a sign-out, or a change of the means to sign in."""
    context = _context(acting_user)
    with transaction.atomic():
        return _append(
            context,
            kind=RecordKind.SIGN_IN,
            action=action,
            object_type="user",
            object_id=context.actor_id,
            details=details,
        )


def record_system(
    *, action: str, object_type: str = "", object_id: str = "", details: Details | None = None
) -> AuditRecord:
    """Records what the product did by itself, in the transaction of that."""
    _needs_transaction("record_system")
    return _append(
        current_context(),
        kind=RecordKind.SYSTEM,
        action=action,
        object_type=object_type,
        object_id=object_id,
        details=details,
    )


def _context(acting_user: Any) -> AuditContext:
    context = current_context()
    if acting_user is None or str(acting_user.pk) == context.actor_id:
        return context
    return context_for(
        acting_user, address=context.address, request_id=context.request_id, purpose=context.purpose
    )


def _needs_transaction(name: str) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError(f"{name} has to be called inside the transaction of what it records")


def _append_alone(context: AuditContext, values: dict[str, Any]) -> None:
    with transaction.atomic():
        _append(context, **values)


def _append(context: AuditContext, **values: Any) -> AuditRecord:
    record = _row(context, **values)
    chain_append([record])
    return record


def _row(
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
        AuditRecord.objects.bulk_create(records)
        moved = AuditHead.objects.filter(pk=1, seq=head.seq).update(seq=seq, hash=previous)
    except (DatabaseError, AuditHead.DoesNotExist) as error:
        logger.exception("the record cannot be written: %s", records[0].action if records else "")
        raise _unavailable() from error
    if moved != 1:
        raise _unavailable()


_blocks = BlockWriter(chain_append)


def _unavailable() -> Unavailable:
    return Unavailable(
        "audit_unavailable",
        "The record cannot be written, so nothing was done or shown. Try again in a minute; "
        "if it stays so, an administrator can see the reason in the log of the web process.",
    )
