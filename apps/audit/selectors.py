"""Reading the record. Whether somebody may is asked before, by capability."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.audit.models import AuditRecord, RecordKind
from apps.audit.verification import Verdict, chain_verify

__all__ = ["ORDERING", "SHOWN_KINDS", "Verdict", "chain_verify", "records_search", "who_saw"]

ORDERING = ("-seq",)
SHOWN_KINDS = (RecordKind.ACCESS, RecordKind.VIEWING)


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


def who_saw(camera_id: UUID, *, since: datetime, until: datetime) -> QuerySet[AuditRecord]:
    """Accesses and viewing times of one camera that touch the span from `since` to `until`."""
    return records_search(camera_id=camera_id, since=since, until=until).filter(kind__in=SHOWN_KINDS)


def _contains(text: str) -> Q:
    condition = Q()
    for name in ("actor_name", "action", "object_id", "purpose", "address", "request_id"):
        condition |= Q(**{f"{name}__icontains": text})
    return condition
