"""The register of purposes: why each camera may look. Compliance keeps it, administrators see it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, user_can
from apps.cameras.models import Camera
from apps.cameras.selectors import access_camera, cameras_visible_to
from apps.consent import services
from apps.consent.basis import Verdict
from apps.consent.hours import spans_shown
from apps.consent.models import Purpose, PurposeStage
from apps.consent.selectors import (
    cameras_without_basis,
    purpose_get,
    purposes_search,
    verdict_of,
    verdicts_of,
    versions_of,
)
from apps.console.access import page, told, viewer
from apps.console.purpose_forms import DAY_WORDS, PurposeAddForm, PurposeFilters, PurposeForm
from apps.console.views.camera_changes import version_of
from apps.core.errors import DomainError
from apps.core.pagination import keyset_page
from apps.dispatch.selectors import lease_changes
from apps.retention.selectors import classes_all

SEE, MANAGE = Capability.SEE_PURPOSES, Capability.MANAGE_PURPOSES
PAGE_ROWS = 50
EFFECTS = 12
_COPIED = ("controller", "controller_contact", "dpia_reference", "retention_class")


@page(SEE)
def purposes(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    cameras = list(cameras_visible_to(user))
    filters = PurposeFilters(request.GET, cameras=cameras)
    rows = keyset_page(
        purposes_search(user, **filters.criteria()),
        ordering=("camera_name", "zone_name", "pk"),
        limit=PAGE_ROWS,
        cursor=request.GET.get("cursor", ""),
    )
    verdicts = verdicts_of(rows.items)
    context = {
        "filters": filters,
        "rows": [_row(purpose, verdicts[purpose.pk]) for purpose in rows.items],
        "without": [
            {"camera": camera, "code": basis.code} for camera, basis in cameras_without_basis(cameras)
        ],
        "next_cursor": rows.next_cursor,
        "cursor": request.GET.get("cursor", ""),
        "query": {key: value for key, value in request.GET.items() if value and key != "cursor"},
        "can_manage": user_can(user, MANAGE),
    }
    return render(request, "console/purposes.html", context)


def _row(purpose: Purpose, verdict: Verdict) -> dict[str, Any]:
    return {
        "purpose": purpose,
        "code": verdict.code,
        "stages": stage_labels(purpose.stages),
        "missing": stage_labels(set(purpose.stages) - verdict.stages) if verdict.stages else [],
        "zone_name": purpose.camera.zone_name if purpose.camera else "UTC",
    }


def stage_labels(stages: Any) -> list[str]:
    return [str(stage.label) for stage in PurposeStage if stage.value in stages]


@page(SEE)
def purpose(request: HttpRequest, purpose_id: str) -> HttpResponse:
    user = viewer(request)
    found = purpose_get(user, purpose_id)
    cameras = [found.camera] if found.camera is not None else []
    context = {
        **_row(found, verdict_of(found)),
        "camera": found.camera,
        "hours": [(DAY_WORDS[day], spans_shown(spans)) for day, spans in found.opening_hours.items()],
        "versions": [
            {"version": row, "stages": stage_labels(row.contents["stages"])} for row in versions_of(found)
        ],
        "effects": lease_changes(cameras, since=found.created_at)[:EFFECTS],
        "can_manage": user_can(user, MANAGE) and found.ended_at is None,
    }
    return render(request, "console/purpose.html", context)


@page(MANAGE, methods=("GET", "POST"))
def purpose_add(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    if not request.GET.get("camera"):
        return render(request, "console/purpose_choose.html", {"cameras": cameras_visible_to(user)})
    camera = _camera(user, request.GET["camera"])
    form = PurposeAddForm(request.POST or None, camera=camera, classes=classes_all(), initial=_copied(user))
    if request.method == "POST" and form.is_valid():
        try:
            made = services.purpose_create(
                acting_user=user,
                camera=camera,
                zone=form.cleaned_data["zone"],
                fields=form.values(),
                subjects=form.cleaned_data["subjects"],
            )
            return redirect("console:purpose", made.pk)
        except DomainError as error:
            form.add_error(None, error.message)
    return render(request, "console/purpose_form.html", {"form": form, "camera": camera})


def _camera(user: User, camera_id: str) -> Camera:
    return access_camera(user, camera_id, purpose="compliance review", capability=SEE)


def _copied(user: User) -> dict[str, Any]:
    """The controller of the newest entry, so that nobody types it for every camera."""
    newest = purposes_search(user).exclude(origin="trial").order_by("-created_at").first()
    copied = {name: getattr(newest, name) for name in _COPIED} if newest is not None else {}
    return copied | {"stages": ["view", "detect"]}


@page(MANAGE, methods=("GET", "POST"))
def purpose_edit(request: HttpRequest, purpose_id: str) -> HttpResponse:
    user = viewer(request)
    found = purpose_get(user, purpose_id)
    zone_name = found.camera.zone_name if found.camera else "UTC"
    form = PurposeForm(
        request.POST or None,
        classes=classes_all(),
        zone_name=zone_name,
        initial=PurposeForm.initial_of(found, zone_name),
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.purpose_update(
                acting_user=user,
                purpose=found,
                version=form.cleaned_data["version"] or 0,
                changes=form.values(found),
                subjects=form.cleaned_data["subjects"],
            )
            return redirect("console:purpose", found.pk)
        except DomainError as error:
            form.add_error(None, error.message)
    context = {"form": form, "camera": found.camera, "purpose": found}
    return render(request, "console/purpose_form.html", context)


@page(MANAGE, methods=("POST",))
def purpose_end(request: HttpRequest, purpose_id: str) -> HttpResponse:
    user = viewer(request)
    found = purpose_get(user, purpose_id)
    told(
        request,
        lambda: services.purpose_end(
            acting_user=user,
            purpose=found,
            version=version_of(request),
            reason=request.POST.get("reason", ""),
        ),
        _("The entry is ended. What stood on it alone stops now."),
    )
    return redirect("console:purpose", found.pk)
