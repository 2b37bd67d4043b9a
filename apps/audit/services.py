"""Writes the record. Every function adds one link to the chain; what it cannot write must not happen.

Changes and accesses are recorded inside the transaction of what they record, so that neither exists without
the other. Record last: the head of the chain stays locked until that transaction ends.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.audit.appending import Details, chain_append, row_of
from apps.audit.blocks import BlockWriter
from apps.audit.models import AuditRecord, RecordKind
from apps.core.context import AuditContext, at_context_end, context_for, current_context


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
    record = row_of(
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


def record_news(*, camera_id: UUID, started_at: datetime, ended_at: datetime, events: int) -> None:
    """Seals one block of news that a websocket carried: of how many events of a camera somebody was told."""
    details = {"started_at": started_at, "ended_at": ended_at, "events": events}
    row = row_of(
        current_context(),
        kind=RecordKind.ACCESS,
        action="feed.read",
        object_type="feed",
        object_id="",
        camera_id=camera_id,
        details=details,
    )
    _blocks.write([row])


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
            row_of(
                context,
                kind=RecordKind.ACCESS,
                action=action,
                object_type=object_type,
                object_id="",
                camera_id=camera_id,
                details={"terms": _terms(terms), "shown": count},
                purpose=purpose,
            )
            for camera_id, count in counts
        ]
    )


def record_read(*, terms: Details, shown: int, acting_user: Any = None) -> None:
    """Records that somebody reads the record itself; the row is not among those that he is shown."""
    _blocks.write(
        [
            row_of(
                _context(acting_user),
                kind=RecordKind.ACCESS,
                action="record.search",
                object_type="record",
                object_id="",
                details={"terms": _terms(terms), "shown": shown},
            )
        ]
    )


def _terms(terms: Details) -> dict[str, Any]:
    return {name: value for name, value in terms.items() if value not in (None, "")}


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
    record = row_of(context, **values)
    _chain([record])
    return record


def _chain(records: Sequence[AuditRecord]) -> None:
    """The one way into the chain, for rows alone and for blocks."""
    chain_append(records)


# `_chain` is looked up at each call: whoever replaces it, a test for example, replaces it for blocks too.
_blocks = BlockWriter(lambda records: _chain(records))  # noqa: PLW0108
