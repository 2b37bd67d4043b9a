"""Models: the versions that are known, and which of them serves each stage."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts.roles import Capability, user_can
from apps.cameras.selectors import access_camera, zone_get
from apps.console.access import page, told, viewer
from apps.registry import cascades, zones
from apps.registry.choice import STAGE_TASK, usable
from apps.registry.models import ModelVersion
from apps.registry.selectors import (
    StageState,
    general_detector_missing,
    stage_states,
    version_get,
    versions_all,
)
from apps.rollouts.models import Rollout
from apps.rollouts.services import stage_assign as stage_given

CASCADES = "cascades of a camera"


@page(Capability.SEE_MODELS)
def models(request: HttpRequest) -> HttpResponse:
    versions = list(versions_all())
    states = stage_states()
    context = {
        "versions": versions,
        "stages": [_stage(state, versions) for state in states],
        "served_by": _served(states),
        "detector_missing": general_detector_missing(),
        "may_upload": user_can(request.user, Capability.UPLOAD_MODELS),
        "may_assign": user_can(request.user, Capability.ASSIGN_MODELS),
    }
    return render(request, "console/models.html", context)


@page(Capability.ASSIGN_MODELS, methods=("POST",))
def cascade_add(request: HttpRequest, camera_id: str) -> HttpResponse:
    """Crops of the chosen classes are named by a version, or read."""
    user, form = viewer(request), request.POST
    camera = access_camera(user, camera_id, purpose=CASCADES, capability=Capability.SEE_CAMERAS)

    def change() -> None:
        facts = cascades.CascadeFacts(
            stage=form.get("stage", ""),
            labels=tuple(form.getlist("labels")),
            name=form.get("name", "").strip(),
            version=version_get(user, form["version"]) if form.get("version") else None,
            zone=zone_get(camera, form["zone"]) if form.get("zone") else None,
            every_s=_seconds(form.get("every_s", "")),
        )
        cascades.cascade_add(acting_user=user, camera=camera, facts=facts)

    told(request, change, _("Changed. Cameras take it up within a few seconds."))
    return redirect("console:camera", camera.pk)


def _seconds(text: str) -> float:
    """Anything that is no number is refused by the service as out of bounds."""
    try:
        return float(text or "5")
    except ValueError:
        return 0.0


@page(Capability.ASSIGN_MODELS, methods=("POST",))
def cascade_remove(request: HttpRequest, camera_id: str, cascade_id: str) -> HttpResponse:
    user = viewer(request)
    camera = access_camera(user, camera_id, purpose=CASCADES, capability=Capability.SEE_CAMERAS)
    cascade = cascades.cascade_get(camera, cascade_id)
    told(
        request,
        lambda: cascades.cascade_remove(acting_user=user, cascade=cascade),
        _("Removed. What it said stays on the events."),
    )
    return redirect("console:camera", camera.pk)


def _stage(state: StageState, versions: list[ModelVersion]) -> dict[str, Any]:
    task = STAGE_TASK[state.stage]
    choices = [version for version in versions if version.task == task and usable(version)]
    return {"state": state, "name": state.stage.value, "choices": choices}


def _served(states: list[StageState]) -> dict[Any, list[str]]:
    """The stages of each version's id."""
    served: dict[Any, list[str]] = {}
    for state in states:
        if state.version is not None:
            served.setdefault(state.version.pk, []).append(state.stage.value)
    return served


@page(Capability.ASSIGN_MODELS, methods=("POST",))
def stage_assign(request: HttpRequest) -> HttpResponse:
    """An empty version goes back to the product's own choice. What changes asks a second person."""
    user, chosen = viewer(request), request.POST.get("version", "")
    waiting: list[Rollout] = []

    def change() -> None:
        version = version_get(user, chosen) if chosen else None
        stage, reason = request.POST.get("stage", ""), request.POST.get("reason", "")
        asked = stage_given(acting_user=user, stage=stage, version=version, reason=reason)
        waiting.extend([asked] if asked else [])

    told(request, change, _("Done. Where another version served, a second person has to approve first."))
    return redirect("console:rollout", waiting[0].pk) if waiting else redirect("console:models")


@page(Capability.ASSIGN_MODELS, methods=("POST",))
def zone_detector(request: HttpRequest, camera_id: str, zone_id: str) -> HttpResponse:
    """An empty version leaves the zone to the detector of its camera."""
    user, chosen = viewer(request), request.POST.get("version", "")
    camera = access_camera(user, camera_id, purpose="models of a zone", capability=Capability.SEE_CAMERAS)
    zone = zone_get(camera, zone_id)

    def change() -> None:
        if chosen:
            version = version_get(user, chosen)
            zones.zone_detector_assign(acting_user=user, zone=zone, version=version)
        else:
            zones.zone_detector_clear(acting_user=user, zone=zone)

    told(request, change, _("Changed. Cameras take it up within a few seconds."))
    return redirect("console:camera", camera.pk)
