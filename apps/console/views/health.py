"""The health of the installation in words: what runs, what waits, where every frame went."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.roles import Capability
from apps.cameras.selectors import cameras_visible_to
from apps.console.access import page, viewer
from apps.detections.accounts import accounting_of
from apps.monitoring.selectors import system_health


@page(Capability.SEE_HEALTH)
def health(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    cameras = list(cameras_visible_to(user))
    accounts = [
        {"camera": camera, "accounting": accounting}
        for camera, accounting in zip(cameras, accounting_of(cameras), strict=True)
    ]
    context = {"health": system_health(user), "accounts": accounts}
    return render(request, "console/health.html", context)
