"""Evidence packs: asking for one, its state, taking it out of the house, and what checks it there."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability
from apps.audit.keys import public_keys
from apps.cameras.models import Camera
from apps.cameras.selectors import access_camera, cameras_for
from apps.console.access import page, told, viewer
from apps.console.evidence_forms import TONES, PackForm, error_words
from apps.console.purposes import purpose_of
from apps.console.retention_forms import local
from apps.core.clock import now
from apps.core.errors import DomainError, NotFound
from apps.core.pagination import keyset_page
from apps.detections.models import Event
from apps.detections.selectors import event_look_up
from apps.evidence import services
from apps.evidence.models import ACTIVE_STATES, EvidencePack, PackState
from apps.evidence.selectors import pack_get, packs_of
from apps.evidence.verifiers import verifier_files
from apps.monitoring.selectors import exports_allowed
from apps.recordings.selectors import day_of
from apps.retention.selectors import holds_touching

MAY = Capability.EXPORT_EVIDENCE
PURPOSE = "incident investigation"
PAGE_ROWS = 30


def _listed(pack: EvidencePack) -> dict[str, Any]:
    return {
        "row": pack,
        "camera": pack.camera,
        "tone": TONES.get(PackState(pack.state), "warn"),
        "active": pack.state in ACTIVE_STATES,
        "error": error_words(pack),
    }


@page(MAY)
def evidence(request: HttpRequest) -> HttpResponse:
    user, cursor = viewer(request), request.GET.get("cursor", "")
    found = keyset_page(packs_of(user), ordering=("-created_at", "-id"), limit=PAGE_ROWS, cursor=cursor)
    context = {
        "rows": [_listed(row) for row in found.items],
        "cursor": cursor,
        "next_cursor": found.next_cursor,
        "query": {},
        "may_begin": cameras_for(user, MAY).exists(),
    }
    return render(request, "console/evidence.html", context)


@page(MAY)
def evidence_choose(request: HttpRequest) -> HttpResponse:
    """For which camera a new pack shall be."""
    context = {"cameras": list(cameras_for(viewer(request), MAY))}
    return render(request, "console/evidence_choose.html", context)


@page(MAY, methods=("GET", "POST"))
def evidence_add(request: HttpRequest, camera_id: str) -> HttpResponse:
    user = viewer(request)
    camera = access_camera(user, camera_id, purpose=purpose_of(request, PURPOSE), capability=MAY)
    event = _event_of(user, request, camera)
    initial = _initial(request, camera, event)
    form = PackForm(request.POST or None, camera=camera, event=event, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            pack = services.pack_create(acting_user=user, camera=camera, wanted=form.wanted())
            messages.success(request, _("Asked for. The pack is made in the background."))
            return redirect("console:evidence_pack", pack.pk)
        except DomainError as error:
            form.add_error(None, error.message)
    context = {"form": form, "camera": camera, "event": event, "quarantined": not exports_allowed(camera)}
    return render(request, "console/evidence_add.html", context)


def _event_of(user: User, request: HttpRequest, camera: Camera) -> Event | None:
    wanted = request.GET.get("event", "")
    event = event_look_up(user, wanted) if wanted else None
    return event if event is not None and event.camera_id == camera.pk else None


def _initial(request: HttpRequest, camera: Camera, event: Event | None) -> dict[str, Any]:
    """The time of the event, the day that was looked at, or the last hour."""
    if event is not None:
        since, until = services.span_of_event(event)
        until += timedelta(seconds=1)  # the fields know no fractions
    elif day := _day(request.GET.get("day", "")):
        since = day_of(camera, day).since
        until = min(day_of(camera, day).until, since + services.MAX_SPAN, max(now(), since))
    else:
        since, until = now() - timedelta(hours=1), now()
    return {"since": local(since, camera), "until": local(min(until, since + services.MAX_SPAN), camera)}


def _day(text: str) -> date | None:
    try:
        chosen = date.fromisoformat(text)
    except ValueError:
        return None
    return chosen if 2000 < chosen.year < 2099 else None


@page(MAY)
def evidence_pack(request: HttpRequest, pack_id: str) -> HttpResponse:
    pack = pack_get(viewer(request), pack_id)
    context = {
        **_listed(pack),
        "quarantined": not exports_allowed(pack.camera),
        "holds": holds_touching(pack.camera_id, pack.since, pack.until),
        "public_key": public_keys().get(pack.facts.get("key_id", ""), ""),
    }
    return render(request, "console/evidence_pack.html", context)


@page(MAY)
def evidence_file(request: HttpRequest, pack_id: str) -> HttpResponseBase:
    user = viewer(request)
    pack, wanted = pack_get(user, pack_id), request.headers.get("Range", "")
    return services.pack_open(user, pack, purpose=purpose_of(request, PURPOSE), wanted=wanted)


@page(MAY, methods=("POST",))
def evidence_delete(request: HttpRequest, pack_id: str) -> HttpResponse:
    user = viewer(request)
    pack = pack_get(user, pack_id)
    done = _("The pack is deleted. What it was made of stays as long as its class says.")
    if told(request, lambda: services.pack_delete(acting_user=user, pack=pack), done):
        return redirect("console:evidence")
    return redirect("console:evidence_pack", pack_id)


@page(MAY)
def evidence_verifier(request: HttpRequest, name: str) -> HttpResponse:
    """The page and the scripts that check packs, from us and not from a pack: to be handed on."""
    data = verifier_files().get(name)
    if data is None:
        raise NotFound(_("file"))
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(data, content_type="application/octet-stream", headers=headers)
