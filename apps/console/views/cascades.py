"""Cascades: what goes on to another model on which camera, and the form that says so."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, user_can
from apps.cameras.models import Camera
from apps.cameras.selectors import access_camera, cameras_for
from apps.console.access import page, told, viewer
from apps.console.cascade_forms import CascadeForm
from apps.core.errors import DomainError, Invalid
from apps.core.pagination import keyset_page
from apps.registry import cascades as services
from apps.registry.cascades import CascadeFacts
from apps.registry.models import Cascade

MAY = Capability.ASSIGN_MODELS
PURPOSE = "cascades of a camera"
PAGE_ROWS = 50


@page(Capability.SEE_MODELS)
def cascades(request: HttpRequest) -> HttpResponse:
    """Those of every camera that the person may know, newest first."""
    user, cursor = viewer(request), request.GET.get("cursor", "")
    found = keyset_page(
        services.cascades_for(user), ordering=("-assigned_at", "-id"), limit=PAGE_ROWS, cursor=cursor
    )
    context = {
        "rows": [(row, services.runs(row)) for row in found.items],
        "cursor": cursor,
        "next_cursor": found.next_cursor,
        "query": {},
        "may": user_can(user, MAY),
    }
    return render(request, "console/cascades.html", context)


@page(MAY)
def cascade_choose(request: HttpRequest) -> HttpResponse:
    """A cascade is of one camera; of which one?"""
    cameras = cameras_for(viewer(request), MAY)
    return render(request, "console/cascade_choose.html", {"cameras": cameras})


@page(MAY, methods=("GET", "POST"))
def cascade_add(request: HttpRequest, camera_id: str) -> HttpResponse:
    user, camera = viewer(request), _camera(request, camera_id)
    form = CascadeForm(user, camera, request.POST or None)

    def add(facts: CascadeFacts) -> Cascade:
        return services.cascade_add(acting_user=user, camera=camera, facts=facts)

    return _asked(request, camera, form, None, add)


@page(MAY, methods=("GET", "POST"))
def cascade_edit(request: HttpRequest, camera_id: str, cascade_id: str) -> HttpResponse:
    user, camera = viewer(request), _camera(request, camera_id)
    cascade = services.cascade_get(camera, cascade_id)
    form = CascadeForm(user, camera, request.POST or None, cascade=cascade)

    def change(facts: CascadeFacts) -> Cascade:
        return services.cascade_change(acting_user=user, cascade=cascade, facts=facts)

    return _asked(request, camera, form, cascade, change)


@page(MAY, methods=("POST",))
def cascade_remove(request: HttpRequest, camera_id: str, cascade_id: str) -> HttpResponse:
    user, camera = viewer(request), _camera(request, camera_id)
    cascade = services.cascade_get(camera, cascade_id)
    told(
        request,
        lambda: services.cascade_remove(acting_user=user, cascade=cascade),
        _("Removed. What it said stays on the events."),
    )
    return redirect("console:camera", camera.pk)


def _camera(request: HttpRequest, camera_id: str) -> Camera:
    return access_camera(viewer(request), camera_id, purpose=PURPOSE, capability=Capability.SEE_CAMERAS)


def _asked(
    request: HttpRequest,
    camera: Camera,
    form: CascadeForm,
    cascade: Cascade | None,
    change: Callable[[CascadeFacts], Cascade],
) -> HttpResponse:
    """The form, or its effect; a refusal stands beside the field that it is about."""
    if request.method == "POST" and form.is_valid():
        try:
            change(form.facts())
        except DomainError as error:
            field = error.field if isinstance(error, Invalid) and error.field in form.fields else None
            form.add_error(field, error.message)
        else:
            messages.success(request, _("Changed. Cameras take it up within a few seconds."))
            return redirect("console:camera", camera.pk)
    return render(request, "console/cascade.html", _shown(viewer(request), camera, form, cascade))


def _shown(user: User, camera: Camera, form: CascadeForm, cascade: Cascade | None) -> dict[str, object]:
    return {
        "camera": camera,
        "cascade": cascade,
        "form": form,
        "runs": cascade is None or services.runs(cascade),
        "can_manage": user_can(user, Capability.MANAGE_CAMERAS),
    }
