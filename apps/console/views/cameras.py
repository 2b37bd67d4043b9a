"""Cameras: the overview by site, and the page of one camera."""

import json
from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, user_can
from apps.cameras import services
from apps.cameras.models import Camera
from apps.cameras.selectors import (
    access_camera,
    cameras_for,
    cameras_visible_to,
    cameras_watchable_by,
    groups_visible_to,
    has_credentials,
    sites_visible_to,
    zones_of,
)
from apps.consent.selectors import basis_of
from apps.console.access import page, viewer
from apps.console.leaks import leaks_shown
from apps.console.purposes import purpose_of
from apps.console.views.live import live_states, live_words
from apps.core.errors import DomainError
from apps.detections.accounts import accounting_for
from apps.detections.models import CameraRuntime
from apps.detections.selectors import camera_states, events_search
from apps.dispatch.models import LeaseChange
from apps.dispatch.selectors import lease_newest
from apps.registry.cascades import runs
from apps.registry.models import Cascade
from apps.registry.selectors import detectors_for_zones
from apps.registry.zones import zone_detectors
from apps.retention.selectors import holds_of
from apps.rollouts.choices import choice_for

LAST_EVENTS = 8
PLAN_COLUMNS = 5
MAINTENANCE = "maintenance"


@page(Capability.SEE_CAMERAS)
def cameras(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    states = camera_states(user)
    by_site: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for camera in cameras_visible_to(user).prefetch_related("groups"):
        by_site[camera.site_id].append(_listed(camera, states.get(camera.pk), len(by_site[camera.site_id])))
    groups = defaultdict(list)
    for group in groups_visible_to(user).prefetch_related("cameras"):
        groups[group.site_id].append(group)
    context = {
        "sites": [
            {"site": site, "cameras": by_site[site.pk], "groups": groups[site.pk]}
            for site in sites_visible_to(user)
        ],
        "can_manage": user_can(user, Capability.MANAGE_CAMERAS),
        "can_manage_sites": user_can(user, Capability.MANAGE_SITES),
    }
    return render(request, "console/cameras.html", context)


def _listed(camera: Camera, runtime: CameraRuntime | None, place: int) -> dict[str, Any]:
    """A camera of the overview. One without a place on the plan stands in a row, so that it can be moved."""
    column, row = place % PLAN_COLUMNS, place // PLAN_COLUMNS
    return {
        "camera": camera,
        "runtime": runtime,
        "state": state_of(camera, runtime),
        "x": camera.plan_x if camera.plan_x is not None else (column + 0.5) / PLAN_COLUMNS,
        "y": camera.plan_y if camera.plan_y is not None else min(0.9, 0.2 + 0.25 * row),
    }


def state_of(camera: Camera, runtime: CameraRuntime | None) -> str:
    if not camera.enabled:
        return "disabled"
    return runtime.shown_state if runtime is not None else "unknown"


@page(Capability.SEE_CAMERAS)
def camera(request: HttpRequest, camera_id: str) -> HttpResponse:
    user = viewer(request)
    found = access_camera(
        user,
        camera_id,
        purpose=purpose_of(request, "live monitoring"),
        capability=Capability.SEE_CAMERAS,
    )
    runtime = camera_states(user).get(found.pk)
    choice, lease, zones = choice_for(found), lease_newest(found), zones_of(found)
    context = {
        "camera": found,
        "site": found.site,
        "runtime": runtime,
        "state": state_of(found, runtime),
        "may_watch": _may_watch(user, found),
        "can_manage": user_can(user, Capability.MANAGE_CAMERAS),
        "has_credentials": has_credentials(found),
        "accounting": accounting_for(found),
        **leaks_shown(user, found),
        "zones": zones,
        "places": [*zones, *choice.cascades],
        **_cascades(user, choice.cascades, lease, runtime),
        "zone_detectors": zone_detectors([found]),
        "zone_choices": detectors_for_zones(user),
        "lease": lease,
        "basis": basis_of(found),
        "may_enter_purposes": user_can(user, Capability.MANAGE_PURPOSES),
        "may_see_purposes": user_can(user, Capability.SEE_PURPOSES),
        "serving": choice.models,
        "words": live_words(),
        "states": live_states(user),
        "may_see_recordings": cameras_for(user, Capability.SEE_RECORDINGS).filter(pk=found.pk).exists(),
        "may_retain": user_can(user, Capability.MANAGE_RETENTION),
        "holds": holds_of(found),
        **_last_events(user, found),
    }
    return render(request, "console/camera.html", context)


def _cascades(
    user: User, rows: Sequence[Cascade], lease: LeaseChange | None, runtime: CameraRuntime | None
) -> dict[str, Any]:
    """What goes on to another model, whether it does so now, and who may change it."""
    in_force = {item["cascade_id"] for item in lease.contents.get("cascades", ())} if lease else set()
    waiting = runtime.waiting if runtime is not None else {}
    return {
        "cascades": [
            {
                "row": row,
                "runs": runs(row),
                "in_force": str(row.pk) in in_force,
                "why": waiting.get(f"{row.stage}:{row.pk}", ""),
            }
            for row in rows
        ],
        "may_cascade": user_can(user, Capability.ASSIGN_MODELS),
    }


def _may_watch(user: User, found: Camera) -> bool:
    if not user_can(user, Capability.WATCH_LIVE):
        return False
    return cameras_watchable_by(user).filter(pk=found.pk).exists()


def _last_events(user: User, found: Camera) -> dict[str, Any]:
    if not user_can(user, Capability.SEE_EVENTS):
        return {"may_see_events": False}
    return {"may_see_events": True, "events": events_search(user, camera=found)[:LAST_EVENTS]}


@page(Capability.MANAGE_CAMERAS, methods=("POST",))
def camera_move(request: HttpRequest, camera_id: str) -> JsonResponse:
    """The plan's script tells where a camera was dropped or moved to by the keyboard."""
    user = viewer(request)
    found = access_camera(user, camera_id, purpose=MAINTENANCE, capability=Capability.MANAGE_CAMERAS)
    try:
        wanted = json.loads(request.body)
        place = {"plan_x": float(wanted["x"]), "plan_y": float(wanted["y"])}
    except (ValueError, KeyError, TypeError) as error:
        raise DomainError(
            "bad_place", _("Expected x and y from 0 to 1."), HTTPStatus.UNPROCESSABLE_ENTITY
        ) from error
    services.camera_update(acting_user=user, camera=found, version=found.version, changes=place)
    return JsonResponse({"version": found.version})
