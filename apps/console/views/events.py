"""Events: list, detail, snapshot, triage and flags; and the search in readings."""

from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import User
from apps.accounts.roles import Capability, user_can
from apps.cameras.selectors import cameras_for, cameras_watchable_by, zones_of_cameras
from apps.console.access import page, told, viewer
from apps.console.forms import EventFilters, FlagForm, ReadingFilters
from apps.console.playback import event_place, playlist
from apps.console.purposes import purpose_of
from apps.core.pagination import keyset_page
from apps.detections import services
from apps.detections.looks import events_seen, readings_seen
from apps.detections.media import snapshot_open
from apps.detections.models import Event, Reading
from apps.detections.selectors import (
    event_get,
    event_look_up,
    events_search,
    feed_head,
    labels_seen,
    readings_search,
    triageable,
)
from apps.recordings.selectors import segments_of_event
from apps.retention.selectors import holds_touching

PAGE_ROWS = 30
TRIAGE_PURPOSE = "event triage"


def _query(request: HttpRequest) -> dict[str, str]:
    """The filters of the address, without the page."""
    return {key: value for key, value in request.GET.dict().items() if value and key != "cursor"}


@page(Capability.SEE_EVENTS)
def events(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    cameras = list(cameras_for(user, Capability.SEE_EVENTS))
    filters = EventFilters(
        request.GET, cameras=cameras, labels=labels_seen(user), zones=list(zones_of_cameras(cameras))
    )
    feed_seq = feed_head()  # before the search: an event between the two is announced, not missed
    found = events_search(user, **filters.criteria()).prefetch_related(
        Prefetch("readings", Reading.objects.order_by("-confidence"), to_attr="shown_readings")
    )
    rows = keyset_page(
        found, ordering=("-first_seen_at", "-id"), limit=PAGE_ROWS, cursor=request.GET.get("cursor", "")
    )
    events_seen(user, rows.items, filters.criteria(), purpose_of(request, TRIAGE_PURPOSE))
    context: dict[str, Any] = {
        "filters": filters,
        "events": rows.items,
        "next_cursor": rows.next_cursor,
        "cursor": request.GET.get("cursor", ""),
        "query": _query(request),
        "feed_seq": feed_seq,
        "watchable": set(cameras_watchable_by(user).order_by().values_list("pk", flat=True)),
        "new_words": {
            str(n): ngettext("%(n)d new event", "%(n)d new events", n) % {"n": n} for n in range(1, 100)
        },
    }
    return render(request, "console/events.html", context)


@page(Capability.SEE_EVENTS)
def event(request: HttpRequest, event_id: str) -> HttpResponse:
    user = viewer(request)
    found = event_get(user, event_id, purpose_of(request, TRIAGE_PURPOSE))
    watchable = cameras_watchable_by(user).filter(pk=found.camera_id).exists()
    context = {
        "event": found,
        "has_snapshot": bool(found.snapshot_key) and watchable,
        "may_triage": user_can(user, Capability.TRIAGE_EVENTS) and triageable(user, found),
        "may_flag": user_can(user, Capability.FLAG_EVENTS) and triageable(user, found),
        "flag_form": FlagForm(),
        "drawing": _drawing(found),
        "may_hold": user_can(user, Capability.MANAGE_RETENTION),
        "may_export": watchable and user_can(user, Capability.EXPORT_EVIDENCE),
        "holds": holds_touching(found.camera_id, found.first_seen_at, found.last_seen_at),
        **_clip(user, found),
    }
    return render(request, "console/event.html", context)


def _clip(user: User, found: Event) -> dict[str, object]:
    """What was recorded around the event, for the player."""
    segments = segments_of_event(user, found)
    return {
        "camera": found.camera,
        "clip": segments,
        "playlist": playlist(segments),
        "may_unmask": any(segment.original_key for segment in segments)
        and user_can(user, Capability.REQUEST_UNMASKING),
        "first": event_place(segments, found),
    }


def _drawing(found: Event) -> dict[str, object]:
    """What is drawn over the snapshot: the box, the path, the zones."""
    return {
        "box": found.box_xyxy,
        "path": [point[1:] for point in found.path],
        "zones": [{"kind": zone.kind, "polygon": zone.polygon} for zone in found.zones.all()],
    }


@page(Capability.SEE_EVENTS)
def event_snapshot(request: HttpRequest, event_id: str) -> HttpResponse:
    snapshot = snapshot_open(viewer(request), event_id, purpose_of(request, TRIAGE_PURPOSE))
    response = HttpResponse(snapshot.jpeg, content_type="image/jpeg")
    # Every look is on record, so no cache may answer in our place.
    response["Cache-Control"] = "private, no-store"
    response["X-Vidette-Redaction"] = snapshot.redaction
    return response


@page(Capability.TRIAGE_EVENTS, methods=("POST",))
def event_status(request: HttpRequest, event_id: str) -> HttpResponse:
    user, purpose = viewer(request), purpose_of(request, TRIAGE_PURPOSE)
    found = event_look_up(user, event_id, purpose=purpose)
    version = request.POST.get("version", "")
    told(
        request,
        lambda: services.event_set_status(
            acting_user=user,
            event=found,
            version=int(version) if version.isdecimal() and len(version) < 9 else 0,
            status=request.POST.get("status", ""),
            purpose=purpose,
        ),
        _("Decided."),
    )
    return redirect("console:event", event_id)


@page(Capability.FLAG_EVENTS, methods=("POST",))
def event_flag(request: HttpRequest, event_id: str) -> HttpResponse:
    user, purpose = viewer(request), purpose_of(request, TRIAGE_PURPOSE)
    found = event_look_up(user, event_id, purpose=purpose)
    told(
        request,
        lambda: services.event_flag(
            acting_user=user,
            event=found,
            reason=request.POST.get("reason", ""),
            comment=request.POST.get("comment", ""),
            purpose=purpose,
        ),
        _("Flagged. Model owners will look at it."),
    )
    return redirect("console:event", event_id)


@page(Capability.SEE_EVENTS)
def readings(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    filters = ReadingFilters(request.GET, cameras=list(cameras_for(user, Capability.SEE_EVENTS)))
    rows = keyset_page(
        readings_search(user, **filters.criteria()),
        ordering=("-read_at", "-id"),
        limit=PAGE_ROWS,
        cursor=request.GET.get("cursor", ""),
    )
    readings_seen(user, rows.items, filters.criteria(), purpose_of(request, TRIAGE_PURPOSE))
    context = {
        "filters": filters,
        "readings": rows.items,
        "next_cursor": rows.next_cursor,
        "cursor": request.GET.get("cursor", ""),
        "query": _query(request),
    }
    return render(request, "console/readings.html", context)
