"""Alerts: the list, one alert with its review, and what a person decides about it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts.roles import Capability
from apps.cameras.selectors import access_camera
from apps.console.access import page, told, viewer
from apps.console.leaks import leaks_shown
from apps.console.purposes import purpose_of
from apps.console.views.camera_changes import version_of
from apps.core.pagination import keyset_page
from apps.monitoring import services
from apps.monitoring.selectors import alert_get, alerts_for, leak_finds

PAGE_ROWS = 30
FINDS = 12
REVIEW_PURPOSE = "compliance review"
REVIEW = Capability.REVIEW_LEAKS


@page(Capability.SEE_CAMERAS)
def alerts(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    cursor = request.GET.get("cursor", "")
    rows = keyset_page(alerts_for(user), ordering=("-opened_at", "-id"), limit=PAGE_ROWS, cursor=cursor)
    context = {"alerts": rows.items, "next_cursor": rows.next_cursor, "cursor": cursor, "query": {}}
    return render(request, "console/alerts.html", context)


@page(Capability.SEE_CAMERAS)
def alert(request: HttpRequest, alert_id: str) -> HttpResponse:
    user = viewer(request)
    found = alert_get(user, alert_id)
    context = {
        "alert": found,
        "camera": found.camera,
        "finds": leak_finds(found.camera)[:FINDS],
        **leaks_shown(user, found.camera),
    }
    return render(request, "console/alert.html", context)


@page(REVIEW, methods=("POST",))
def alert_acknowledge(request: HttpRequest, alert_id: str) -> HttpResponse:
    user = viewer(request)
    found = alert_get(user, alert_id)
    told(
        request,
        lambda: services.alert_acknowledge(acting_user=user, alert=found, version=version_of(request)),
        _("Acknowledged. Exports stay in quarantine until the review is closed."),
    )
    return redirect("console:alert", alert_id)


@page(REVIEW, methods=("POST",))
def alert_close(request: HttpRequest, alert_id: str) -> HttpResponse:
    user = viewer(request)
    found = alert_get(user, alert_id)
    told(
        request,
        lambda: services.alert_close(
            acting_user=user,
            alert=found,
            version=version_of(request),
            note=request.POST.get("note", ""),
            lower="lower" in request.POST,
        ),
        _("Closed. Exports of this camera are free again, and the count begins anew."),
    )
    return redirect("console:alert", alert_id)


@page(REVIEW, methods=("POST",))
def policy_lower(request: HttpRequest, camera_id: str) -> HttpResponse:
    user = viewer(request)
    purpose = purpose_of(request, REVIEW_PURPOSE)
    camera = access_camera(user, camera_id, purpose=purpose, capability=Capability.SEE_CAMERAS)
    told(
        request,
        lambda: services.policy_lower(
            acting_user=user, camera=camera, version=version_of(request), note=request.POST.get("note", "")
        ),
        _("The camera covers again what its own settings say."),
    )
    return redirect("console:camera", camera_id)
