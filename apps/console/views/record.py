"""The record: who did and saw what. For compliance."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from apps.accounts.roles import Capability
from apps.audit.keys import public_keys
from apps.audit.locking import storage_state
from apps.audit.models import AuditRecord
from apps.audit.selectors import (
    ORDERING,
    SEEN_ORDERING,
    chain_state,
    chain_verify,
    checkpoint_state,
    last_verification,
    owner_can_alter_record,
    records_search,
    who_saw,
)
from apps.audit.services import record_read
from apps.audit.viewing import Seen, models_shown, seen_by, viewing_span
from apps.cameras.models import Camera
from apps.cameras.selectors import cameras_visible_to
from apps.console.access import page, viewer
from apps.console.record_export import MOST_ROWS, record_export
from apps.console.record_forms import RecordFilters
from apps.core.clock import now
from apps.core.errors import Invalid
from apps.core.pagination import keyset_page

PAGE_ROWS = 50
MOST_SUMMED = 100_000  # a month of one viewer; the page says so when there are more


@page(Capability.SEE_RECORD)
def record(request: HttpRequest) -> HttpResponse:
    cameras = list(cameras_visible_to(viewer(request)))
    filters = RecordFilters(request.GET, cameras=cameras)
    criteria, seen = filters.asked()
    cursor = request.GET.get("cursor", "")
    rows = keyset_page(_found(seen, criteria), ordering=_ordering(seen), limit=PAGE_ROWS, cursor=cursor)
    by_id = {camera.pk: camera for camera in cameras}
    viewers = _viewers(seen, criteria) if seen is not None else []
    record_read(terms={**criteria, "seen": seen}, shown=len(rows.items), acting_user=viewer(request))
    context = {
        "filters": filters,
        "rows": [_row(entry, by_id) for entry in rows.items],
        "next_cursor": rows.next_cursor,
        "cursor": cursor,
        "query": {key: value for key, value in request.GET.items() if value and key != "cursor"},
        "zone_name": filters.zone_name,
        "viewers": viewers,
        "viewers_cut": sum(person.entries for person in viewers) >= MOST_SUMMED,
        "most_summed": MOST_SUMMED,
        "seen_camera": by_id.get(seen) if seen is not None else None,
        "chain": chain_state(),
        "last_check": last_verification(),
        "owner_can_alter": owner_can_alter_record(),
        "checkpoint": checkpoint_state(),
        "storage": storage_state(),
        "public_keys": public_keys(),
        "most_rows": MOST_ROWS,
    }
    return render(request, "console/record.html", context)


def _found(seen: UUID | None, criteria: dict[str, Any]) -> QuerySet[AuditRecord]:
    return records_search(**criteria) if seen is None else _seen(seen, criteria)


def _ordering(seen: UUID | None) -> tuple[str, ...]:
    return ORDERING if seen is None else SEEN_ORDERING


@page(Capability.SEE_RECORD)
def export(request: HttpRequest) -> HttpResponseBase:
    """What the filters find, signed, as a download."""
    user = viewer(request)
    filters = RecordFilters(request.GET, cameras=list(cameras_visible_to(user)))
    criteria, seen = filters.asked()
    if not filters.is_valid():
        name, errors = next(iter(filters.errors.items()))
        raise Invalid("invalid_filter", f"{filters.fields[name].label}: {errors[0]}", field=name)
    said = criteria if seen is None else {**criteria, "seen": True}
    kind = request.GET.get("format", "csv")
    return record_export(request, user, _found(seen, criteria), kind, said)


def _seen(camera_id: UUID, criteria: dict[str, Any]) -> QuerySet[AuditRecord]:
    return who_saw(camera_id, since=_since(criteria), until=_until(criteria))


def _since(criteria: dict[str, Any]) -> datetime:
    return criteria.get("since") or datetime.min.replace(tzinfo=UTC)


def _until(criteria: dict[str, Any]) -> datetime:
    return criteria.get("until") or now()


def _viewers(camera_id: UUID, criteria: dict[str, Any]) -> list[Seen]:
    """Per person: the time that live pictures were shown within the span, and how many other accesses."""
    return seen_by(_seen(camera_id, criteria)[:MOST_SUMMED], _since(criteria), _until(criteria))


def _row(entry: AuditRecord, cameras: dict[UUID, Camera]) -> dict[str, Any]:
    camera = cameras.get(entry.camera_id) if entry.camera_id else None
    span = viewing_span(entry.kind, entry.details)
    return {
        "entry": entry,
        "camera": camera,
        "object": "" if _is_said(entry, camera) else _object(entry),
        "models": sorted(set(models_shown(entry.details))),
        "viewed_s": (span[1] - span[0]).total_seconds() if span else None,
    }


def _is_said(entry: AuditRecord, camera: Camera | None) -> bool:
    """Whether the row names the object anyway: as its camera, or as the person who acted."""
    return (camera is not None and entry.object_type == "camera") or entry.object_id == entry.actor_id


def _object(entry: AuditRecord) -> str:
    """The name of what was touched, if the entry holds one; the beginning of an id else."""
    details = entry.details or {}
    name = details.get("name") or details.get("username") or details.get("user")
    return str(name or (entry.object_id[:8] if len(entry.object_id) >= 32 else entry.object_id))


@page(Capability.SEE_RECORD, methods=("POST",))
def record_check(request: HttpRequest) -> HttpResponse:
    """Walks the chain now and shows the outcome."""
    return render(request, "console/record_check.html", {"verdict": chain_verify(), "chain": chain_state()})
