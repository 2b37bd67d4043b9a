"""Models: the versions that are known, and which of them serves each stage."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts.roles import Capability, user_can
from apps.cameras.selectors import access_camera, zone_get
from apps.console.access import page, told, viewer
from apps.registry import zones
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
