"""Retention for compliance: what is kept, what is due, classes, holds."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.roles import Capability
from apps.cameras.models import Camera
from apps.cameras.selectors import access_camera, cameras_visible_to
from apps.console.access import page, told, viewer
from apps.console.purposes import purpose_of
from apps.console.retention_forms import (
    CameraRetentionForm,
    ClassAddForm,
    ClassForm,
    HoldForm,
    ReleaseForm,
    local,
)
from apps.console.views.camera_changes import version_of
from apps.core.clock import FIRST_YEAR, LAST_YEAR, now
from apps.core.errors import DomainError, NotFound
from apps.detections.selectors import event_look_up
from apps.recordings import services as recordings
from apps.recordings.selectors import AFTER_EVENT, BEFORE_EVENT, day_of, original_days
from apps.retention import services
from apps.retention.models import RecordingMode
from apps.retention.selectors import (
    camera_retention,
    class_get,
    classes_all,
    classes_by_camera,
    default_class,
    dry_run,
    hold_get,
    holds_visible_to,
    objects_waiting,
    recording_modes,
    sweeps_last,
)

MANAGE = Capability.MANAGE_RETENTION
PURPOSE = "compliance review"
SHOWN_HOLDS = 100


@page(MANAGE)
def retention(request: HttpRequest) -> HttpResponse:
    """What every store holds, what the sweeper would delete now, and what it deleted."""
    user = viewer(request)
    holds = list(holds_visible_to(user)[:SHOWN_HOLDS])
    stores = dry_run()
    context: dict[str, Any] = {
        "stores": stores,
        "waiting": objects_waiting(),
        "classes": classes_all(),
        "cameras": _cameras(list(cameras_visible_to(user))),
        "holds": [hold for hold in holds if hold.released_at is None and hold.expires_at > now()],
        "past_holds": [hold for hold in holds if hold.released_at or hold.expires_at <= now()],
        "sweeps": _deletions({row.name: row.title for row in stores}),
        "release_form": ReleaseForm(),
    }
    return render(request, "console/retention.html", context)


def _deletions(titles: dict[str, Any]) -> list[dict[str, Any]]:
    """The last sweeps; a store that is no more keeps its name."""
    return [
        {
            "at": sweep.at,
            "counts": [(titles.get(name, name), count) for name, count in sweep.counts.items()],
            "objects_gone": sweep.objects_gone,
        }
        for sweep in sweeps_last()
    ]


def _cameras(cameras: list[Camera]) -> list[dict[str, Any]]:
    by_camera, modes, default = classes_by_camera(), recording_modes(), default_class()
    return [
        {
            "camera": camera,
            "retention_class": by_camera.get(camera.pk, default),
            "mode": RecordingMode(modes.get(camera.pk, RecordingMode.EVENTS)),
        }
        for camera in cameras
    ]


@page(MANAGE, methods=("POST",))
def sweep(request: HttpRequest) -> HttpResponse:
    try:
        done = services.sweep_by_hand(acting_user=viewer(request))
        rows = sum(done.counts.values()) if done else 0
        words = ngettext("%(n)d row deleted.", "%(n)d rows deleted.", rows) % {"n": rows}
        messages.success(request, words)
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("console:retention")


@page(MANAGE, methods=("GET", "POST"))
def class_add(request: HttpRequest) -> HttpResponse:
    form = ClassAddForm(request.POST or None, initial={"hours": 72})
    if request.method == "POST" and form.is_valid():
        try:
            services.class_create(acting_user=viewer(request), **form.cleaned_data)
            return redirect("console:retention")
        except DomainError as error:
            form.add_error(None, error.message)
    return render(request, "console/retention_class.html", {"form": form})


@page(MANAGE, methods=("GET", "POST"))
def class_edit(request: HttpRequest, code: str) -> HttpResponse:
    row = class_get(code)
    initial = {name: getattr(row, name) for name in ClassForm.base_fields}
    form = ClassForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.class_update(
                acting_user=viewer(request), row=row, version=version_of(request), changes=form.cleaned_data
            )
            return redirect("console:retention")
        except DomainError as error:
            form.add_error(None, error.message)
    return render(request, "console/retention_class.html", {"form": form, "row": row})


@page(MANAGE, methods=("POST",))
def class_remove(request: HttpRequest, code: str) -> HttpResponse:
    user, row = viewer(request), class_get(code)
    told(
        request,
        lambda: services.class_delete(acting_user=user, row=row, version=version_of(request)),
        _("The class is removed."),
    )
    return redirect("console:retention")


@page(MANAGE, methods=("GET", "POST"))
def camera_retention_edit(request: HttpRequest, camera_id: str) -> HttpResponse:
    """What a camera records, and how long it is kept."""
    user = viewer(request)
    camera = access_camera(user, camera_id, purpose=purpose_of(request, PURPOSE), capability=MANAGE)
    row = camera_retention(camera)
    own = row.retention_class.code if row.retention_class else ""
    form = CameraRetentionForm(
        request.POST or None,
        classes=classes_all(),
        initial={"recording": row.recording, "retention_class": own},
    )
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["retention_class"]
        try:
            services.camera_retention_set(
                acting_user=user,
                camera=camera,
                version=version_of(request),
                retention_class=class_get(code) if code else None,
                recording=form.cleaned_data["recording"],
            )
            return redirect("console:retention")
        except DomainError as error:
            form.add_error(None, error.message)
    context = {"form": form, "camera": camera, "row": row, "days": original_days(camera)}
    return render(request, "console/camera_retention.html", context)


@page(MANAGE, methods=("POST",))
def originals_destroy(request: HttpRequest, camera_id: str) -> HttpResponse:
    """Destroy the key of one day: its originals cannot be opened any more, by anybody."""
    user = viewer(request)
    camera = access_camera(user, camera_id, purpose=purpose_of(request, PURPOSE), capability=MANAGE)
    told(
        request,
        lambda: recordings.originals_destroy(
            acting_user=user,
            camera=camera,
            day=_date_of(request.POST.get("day", "")),
            reason=request.POST.get("reason", ""),
        ),
        _("The key is destroyed. The originals of that day cannot be opened any more."),
    )
    return redirect("console:camera_retention", camera_id)


def _date_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise NotFound(_("day")) from error


@page(MANAGE, methods=("GET", "POST"))
def hold_add(request: HttpRequest, camera_id: str) -> HttpResponse:
    """Place a hold on a span of a camera's time; `?event=` or `?day=` fill it in."""
    user = viewer(request)
    camera = access_camera(user, camera_id, purpose=purpose_of(request, PURPOSE), capability=MANAGE)
    initial, event_id = _span_of(request, camera)
    form = HoldForm(request.POST or None, camera=camera, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.hold_place(acting_user=user, camera=camera, event_id=event_id, **form.values())
            messages.success(request, _("The hold is placed. Nothing in it is deleted before it ends."))
            return redirect("console:retention")
        except DomainError as error:
            form.add_error(None, error.message)
    return render(request, "console/hold.html", {"form": form, "camera": camera})


def _span_of(request: HttpRequest, camera: Camera) -> tuple[dict[str, Any], UUID | None]:
    wanted, day = request.GET.get("event", ""), request.GET.get("day", "")
    if wanted:
        event = event_look_up(viewer(request), wanted)
        if event.camera_id == camera.pk:
            since, until = event.first_seen_at - BEFORE_EVENT, event.last_seen_at + AFTER_EVENT
            # The fields have whole minutes: the span is widened to them.
            widened = {"since": since.replace(second=0), "until": until + timedelta(minutes=1)}
            return {name: local(moment, camera) for name, moment in widened.items()}, event.pk
    today = local(now(), camera).date()
    try:
        chosen = date.fromisoformat(day)
    except ValueError:
        chosen = today
    if not FIRST_YEAR < chosen.year < LAST_YEAR:  # its neighbours have to be days, too
        chosen = today
    span = day_of(camera, chosen)
    return {"since": local(span.since, camera), "until": local(span.until, camera)}, None


@page(MANAGE, methods=("POST",))
def hold_release(request: HttpRequest, hold_id: str) -> HttpResponse:
    user = viewer(request)
    hold = hold_get(user, hold_id)
    told(
        request,
        lambda: services.hold_release(
            acting_user=user,
            hold=hold,
            version=version_of(request),
            reason=request.POST.get("reason", ""),
        ),
        _("The hold is released."),
    )
    return redirect("console:retention")
