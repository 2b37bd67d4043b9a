"""The zone editor of a camera."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts.roles import Capability, user_can
from apps.cameras import services
from apps.cameras.models import Camera, Zone
from apps.cameras.selectors import cameras_watchable_by, zone_get, zones_of
from apps.console.access import page, told, viewer
from apps.console.camera_forms import ZoneForm
from apps.console.views.camera_changes import managed, version_of
from apps.console.views.live import live_words
from apps.core.errors import DomainError

MANAGE = Capability.MANAGE_CAMERAS


@page(MANAGE, methods=("GET", "POST"))
def zone_add(request: HttpRequest, camera_id: str) -> HttpResponse:
    camera = managed(request, camera_id)
    form = ZoneForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.zone_create(acting_user=viewer(request), camera=camera, **form.cleaned_data)
            return redirect("console:camera", camera.pk)
        except DomainError as error:
            form.add_error(None, error.message)
    return _editor(request, camera, form, None)


@page(MANAGE, methods=("GET", "POST"))
def zone_edit(request: HttpRequest, camera_id: str, zone_id: str) -> HttpResponse:
    camera = managed(request, camera_id)
    zone = zone_get(camera, zone_id)
    form = ZoneForm(request.POST or None, initial=ZoneForm.values_of(zone))
    if request.method == "POST" and form.is_valid():
        try:
            services.zone_update(
                acting_user=viewer(request),
                zone=zone,
                version=version_of(request),
                changes=form.cleaned_data,
            )
            return redirect("console:camera", camera.pk)
        except DomainError as error:
            form.add_error(None, error.message)
    return _editor(request, camera, form, zone)


@page(MANAGE, methods=("POST",))
def zone_remove(request: HttpRequest, camera_id: str, zone_id: str) -> HttpResponse:
    camera, user = managed(request, camera_id), viewer(request)
    zone = zone_get(camera, zone_id)
    told(
        request,
        lambda: services.zone_delete(acting_user=user, zone=zone, version=version_of(request)),
        _("The zone is removed."),
    )
    return redirect("console:camera", camera.pk)


def _editor(request: HttpRequest, camera: Camera, form: ZoneForm, zone: Zone | None) -> HttpResponse:
    user = viewer(request)
    others = [row for row in zones_of(camera) if zone is None or row.pk != zone.pk]
    watchable = cameras_watchable_by(user).filter(pk=camera.pk).exists()
    context: dict[str, Any] = {
        "camera": camera,
        "zone": zone,
        "form": form,
        "may_watch": watchable and user_can(user, Capability.WATCH_LIVE),
        "others": [{"kind": row.kind, "polygon": row.polygon} for row in others],
        "words": live_words(),
        "point_words": {
            "x": _("x of point {n}, %"),
            "y": _("y of point {n}, %"),
            "remove": _("Remove point {n}"),
        },
    }
    return render(request, "console/zone.html", context)
