"""Reading the record. Whether somebody may is asked before, by capability."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from apps.audit.chain import timestamp
from apps.audit.checkpoints import checkpoint_last
from apps.audit.models import AuditHead, AuditRecord, RecordKind
from apps.audit.verdict import Verdict
from apps.audit.verification import chain_verify

__all__ = [
    "ORDERING",
    "SEEN_ORDERING",
    "VERIFIED_ACTION",
    "CheckpointState",
    "Verdict",
    "chain_state",
    "chain_verify",
    "checkpoint_state",
    "last_verification",
    "objects_seen",
    "owner_can_alter_record",
    "records_about",
    "records_search",
    "uncovered_since",
    "who_saw",
]


@dataclass(frozen=True, slots=True)
class CheckpointState:
    """`uncovered`: entries behind the last checkpoint; nothing outside the database vouches for them yet."""

    number: int | None
    last: int | None
    at: datetime | None
    uncovered: int
    time_stamped: bool


ORDERING = ("-seq",)
SEEN_ORDERING = ("-at", "-seq")  # as the index on camera and time
VERIFIED_ACTION = "record.verified"
_IDS_AT_ONCE = 500
LATEST_BLOCK = timedelta(minutes=10)  # blocks of viewing hold 30 s; the rest is for a database that was away


def records_search(
    *,
    camera_id: UUID | None = None,
    actor: str | None = None,
    action: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    text: str | None = None,
) -> QuerySet[AuditRecord]:
    """Records, newest first. `actor` is an account's id or its whole name; `text` is looked for in the
    names, ids, action, purpose, address and request id."""
    exact: dict[str, Any] = {
        "camera_id": camera_id,
        "action": action,
        "kind": kind,
        "at__gte": since,
        "at__lt": until,
    }
    rows = AuditRecord.objects.filter(**{name: value for name, value in exact.items() if value})
    if actor:
        rows = rows.filter(Q(actor_id=actor) | Q(actor_name=actor))
    if text:
        rows = rows.filter(_contains(text))
    return rows.order_by(*ORDERING)


def who_saw(camera_id: UUID | None, *, since: datetime, until: datetime) -> QuerySet[AuditRecord]:
    """Accesses of one camera from `since` until before `until`, and viewing times that touch that span; of
    everything for None.

    A viewing time is written when its block ends, which may be after the span.
    """
    viewed = Q(
        kind=RecordKind.VIEWING,
        details__started_at__lt=timestamp(until),
        details__ended_at__gte=timestamp(since),
    )
    rows = records_search(camera_id=camera_id, since=since, until=until + LATEST_BLOCK)
    return rows.filter(viewed | Q(kind=RecordKind.ACCESS, at__lt=until)).order_by(*SEEN_ORDERING)


def records_about(object_type: str, object_ids: Sequence[str]) -> int:
    """How many entries name one of these objects."""
    rows = AuditRecord.objects.filter(object_type=object_type)
    return sum(
        rows.filter(object_id__in=object_ids[start : start + _IDS_AT_ONCE]).count()
        for start in range(0, len(object_ids), _IDS_AT_ONCE)
    )


def objects_seen(actor_id: object, action: str, object_type: str, object_ids: Sequence[str]) -> set[str]:
    """Those of the objects that a person has looked at, by this action."""
    rows = AuditRecord.objects.filter(
        actor_id=str(actor_id), action=action, object_type=object_type, object_id__in=object_ids
    )
    return set(rows.values_list("object_id", flat=True))


def record_began() -> datetime | None:
    """When the first entry of the record was written."""
    return AuditRecord.objects.order_by("seq").values_list("at", flat=True).first()


def last_verification() -> AuditRecord | None:
    """The entry of the latest check that the product made by itself; its details hold the outcome."""
    return AuditRecord.objects.filter(action=VERIFIED_ACTION).order_by(*ORDERING).first()


def checkpoint_state() -> CheckpointState:
    """The last checkpoint, its time, and how many records came since."""
    head, last = chain_state(), checkpoint_last()
    covered = last.last if last is not None else -1
    return CheckpointState(
        number=last.number if last is not None else None,
        last=last.last if last is not None else None,
        at=parse_datetime(last.document["statement"]["at"]) if last is not None else None,
        uncovered=max(0, (head.seq if head is not None else -1) - covered),
        time_stamped=bool(last is not None and last.document.get("time_stamp")),
    )


def uncovered_since(state: CheckpointState) -> datetime | None:
    """The time of the first entry that no checkpoint covers; None when there is none, or when it is gone."""
    first = 0 if state.last is None else state.last + 1
    return AuditRecord.objects.filter(seq=first).values_list("at", flat=True).first()


def chain_state() -> AuditHead | None:
    """The head of the chain: the number and the hash of its last record; None before the first."""
    return AuditHead.objects.filter(pk=1).first()


def owner_can_alter_record() -> bool:
    """Whether the database account of this process could switch the triggers off: then the record is
    tamper-evident and not tamper-proof. Always so on SQLite."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = %s::regclass",
            [AuditRecord._meta.db_table],
        )
        return bool(cursor.fetchone()[0])


def _contains(text: str) -> Q:
    condition = Q()
    for name in ("actor_name", "action", "object_id", "purpose", "address", "request_id"):
        condition |= Q(**{f"{name}__icontains": text})
    return condition
