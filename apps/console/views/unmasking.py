"""Unmasking: asking, deciding, and the page that shows for minutes what was granted."""

import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, user_can
from apps.cameras.models import Camera
from apps.cameras.selectors import access_camera
from apps.console.access import page, told, viewer
from apps.console.purposes import purpose_of
from apps.console.retention_forms import local
from apps.console.unmask_forms import NoteForm, UnmaskForm
from apps.console.views.camera_changes import version_of
from apps.core.clock import now
from apps.core.errors import DomainError, NotFound
from apps.detections.models import Event
from apps.detections.selectors import event_look_up
from apps.unmasking import services
from apps.unmasking.models import PartState, RequestState, UnmaskGrant, UnmaskRequest
from apps.unmasking.selectors import (
    OPEN_FOR,
    grant_live,
    is_live,
    may_open,
    parts_of,
    request_get,
    requests_visible_to,
    session_hash,
    waiting_for,
)

ASK, DECIDE = Capability.REQUEST_UNMASKING, Capability.APPROVE_UNMASKING
PURPOSE = "incident investigation"
SHOWN = 100
REAUTHENTICATED_S = 120


@page(ASK)
def unmasking(request: HttpRequest) -> HttpResponse:
    """What waits for this person, and what was asked."""
    user = viewer(request)
    rows = list(requests_visible_to(user)[:SHOWN])
    waiting = list(waiting_for(user))
    context = {"waiting": waiting, "rows": [row for row in rows if row not in waiting]}
    return render(request, "console/unmasking.html", context)


@page(ASK, methods=("GET", "POST"))
def unmask_add(request: HttpRequest, camera_id: str) -> HttpResponse:
    user = viewer(request)
    camera = access_camera(user, camera_id, purpose=purpose_of(request, PURPOSE), capability=ASK)
    event = _event_of(user, request, camera)
    form = UnmaskForm(request.POST or None, camera=camera, event=event, initial=_initial(camera, event))
    if request.method == "POST" and form.is_valid():
        try:
            row = services.request_create(acting_user=user, camera=camera, wanted=form.wanted())
            messages.success(request, _("Asked. A second person decides."))
            return redirect("console:unmask", row.pk)
        except DomainError as error:
            form.add_error(None, error.message)
    return render(request, "console/unmask_add.html", {"form": form, "camera": camera, "event": event})


def _event_of(user: User, request: HttpRequest, camera: Camera) -> Event | None:
    wanted = request.GET.get("event", "")
    event = event_look_up(user, wanted) if wanted else None
    return event if event is not None and event.camera_id == camera.pk else None


def _initial(camera: Camera, event: Event | None) -> dict[str, Any]:
    if event is None:
        return {"until": local(now(), camera), "since": local(now() - timedelta(minutes=1), camera)}
    since, until = event.first_seen_at, min(event.last_seen_at, event.first_seen_at + timedelta(minutes=15))
    return {"since": local(since, camera), "until": local(until + timedelta(seconds=1), camera)}


@page(ASK)
def unmask(request: HttpRequest, request_id: str) -> HttpResponse:
    """One request: its state, what can be done now, and its video while it is open in this session."""
    user = viewer(request)
    row = request_get(user, request_id)
    grant: UnmaskGrant | None = getattr(row, "grant", None)
    own = row.requested_by_id == user.pk
    here = own and grant is not None and _is_here(request, grant)
    parts = parts_of(grant) if here and grant is not None else []
    context: dict[str, Any] = {
        "row": row,
        "camera": row.camera,
        "grant": grant,
        "own": own,
        "lapsed": row.state == RequestState.OPEN and row.requested_at <= now() - OPEN_FOR,
        "may_decide": not own and row.state == RequestState.OPEN and user_can(user, DECIDE),
        "may_open": own and grant is not None and may_open(grant),
        "here": here,
        "preparing": any(part.state == PartState.WAITING for part in parts),
        "failed": sum(part.state == PartState.FAILED for part in parts),
        "playlist": _playlist(row, parts),
        "note_form": NoteForm(),
    }
    return render(request, "console/unmask.html", context)


def _is_here(request: HttpRequest, grant: UnmaskGrant) -> bool:
    session_key = request.session.session_key or ""
    return is_live(grant) and bool(session_key) and grant.session_sha256 == session_hash(session_key)


def _playlist(row: UnmaskRequest, parts: list[Any]) -> list[dict[str, Any]]:
    return [
        {
            "url": reverse("console:unmask_part", args=[row.pk, part.number]),
            "start": round(part.started_at.timestamp() * 1000),
            "end": round(part.ended_at.timestamp() * 1000),
        }
        for part in parts
        if part.state == PartState.READY
    ]


@page(DECIDE, methods=("POST",))
def unmask_approve(request: HttpRequest, request_id: str) -> HttpResponse:
    user, row = viewer(request), request_get(viewer(request), request_id)
    told(
        request,
        lambda: services.request_approve(
            acting_user=user, request=row, version=version_of(request), note=request.POST.get("note", "")
        ),
        _("Approved. The person who asked can open it once."),
    )
    return redirect("console:unmask", request_id)


@page(DECIDE, methods=("POST",))
def unmask_refuse(request: HttpRequest, request_id: str) -> HttpResponse:
    user, row = viewer(request), request_get(viewer(request), request_id)
    told(
        request,
        lambda: services.request_refuse(
            acting_user=user, request=row, version=version_of(request), note=request.POST.get("note", "")
        ),
        _("Refused."),
    )
    return redirect("console:unmask", request_id)


def _own(request: HttpRequest, request_id: str) -> UnmaskRequest:
    """A request of the asker's own; anybody else's looks like a missing one here."""
    user = viewer(request)
    row = request_get(user, request_id)
    if row.requested_by_id != user.pk:
        raise NotFound(_("request"))
    return row


@page(ASK, methods=("POST",))
def unmask_withdraw(request: HttpRequest, request_id: str) -> HttpResponse:
    user, row = viewer(request), _own(request, request_id)
    told(
        request,
        lambda: services.request_withdraw(acting_user=user, request=row, version=version_of(request)),
        _("Withdrawn."),
    )
    return redirect("console:unmask", request_id)


@page(ASK, methods=("POST",))
def unmask_open(request: HttpRequest, request_id: str) -> HttpResponse:
    """Open the grant. The sign-in has to be repeated for it, after the decision."""
    user, row = viewer(request), _own(request, request_id)
    if not _signed_in_again(request, user, row):
        messages.info(request, _("Sign in again; then open it within two minutes."))
        back = urlencode({"next": reverse("console:unmask", args=[row.pk])})
        return redirect(f"{reverse('account_reauthenticate')}?{back}")
    told(
        request,
        lambda: services.grant_open(
            acting_user=user, request=row, session_key=request.session.session_key or ""
        ),
        _("Open. Everything you see is on record."),
    )
    return redirect("console:unmask", request_id)


def _signed_in_again(request: HttpRequest, user: User, row: UnmaskRequest) -> bool:
    decided_at = row.decided_at.timestamp() if row.decided_at else time.time()
    since = max(decided_at, time.time() - REAUTHENTICATED_S)
    records = get_authentication_records(request, user)
    return any(record.get("reauthenticated") and record["at"] >= since for record in records)


@page(ASK, methods=("POST",))
def unmask_lock(request: HttpRequest, request_id: str) -> HttpResponse:
    user = viewer(request)
    grant = grant_live(user, request_id, request.session.session_key or "")
    told(request, lambda: services.grant_lock(acting_user=user, grant=grant), _("Locked."))
    return redirect("console:unmask", request_id)


@page(ASK, methods=("POST",))
def unmask_seen(request: HttpRequest, request_id: str) -> JsonResponse:
    """The open page tells that it is open; the seconds enter the record. Answers how many are left."""
    user = viewer(request)
    grant = grant_live(user, request_id, request.session.session_key or "")
    left_s = services.grant_seen(acting_user=user, grant=grant)
    preparing = any(part.state == PartState.WAITING for part in parts_of(grant))
    return JsonResponse({"left_s": round(left_s, 1), "preparing": preparing})


@page(ASK)
def unmask_part(request: HttpRequest, request_id: str, number: int) -> HttpResponse:
    user = viewer(request)
    grant = grant_live(user, request_id, request.session.session_key or "")
    return services.part_response(user, grant, number, request.headers.get("Range", ""))
