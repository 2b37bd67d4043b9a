"""The health of the installation in words: what runs, what waits, where every frame went."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.roles import Capability
from apps.cameras.selectors import cameras_visible_to
from apps.console.access import page, viewer
from apps.detections.accounts import Accounting, accounting_for
from apps.monitoring.selectors import system_health


@page(Capability.SEE_HEALTH)
def health(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    cameras = [
        {"camera": camera, "account": account, "parts": _parts(account)}
        for camera in cameras_visible_to(user)
        if (account := accounting_for(camera))
    ]
    context = {"health": system_health(user), "cameras": cameras}
    return render(request, "console/health.html", context)


def _parts(account: Accounting) -> list[dict[str, Any]]:
    """The parts of a bar, as whole units that sum up to what was captured."""
    counts = {
        "analysed": account.analysed,
        "skipped": account.skipped_total,
        "lost": account.lost_total,
        "flight": account.in_flight,
    }
    starts = 0
    parts = []
    for kind, count in counts.items():
        parts.append({"kind": kind, "count": count, "start": starts})
        starts += count
    return parts
