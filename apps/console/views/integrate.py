"""The page for people who write programs against this installation, with examples ready to copy."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.models import TokenAction
from apps.accounts.roles import Capability, user_can
from apps.console.access import page, viewer
from apps.live.protocol import CloseCode


@page(None)
def integrate(request: HttpRequest) -> HttpResponse:
    base = request.build_absolute_uri("/").rstrip("/")
    context = {
        "base": base,
        "socket": base.replace("http", "ws", 1) + "/ws/v1/",
        "actions": TokenAction.choices,
        "close_codes": {code.name.lower(): code.value for code in CloseCode},
        "may_make_tokens": user_can(viewer(request), Capability.MANAGE_USERS),
    }
    return render(request, "console/integrate.html", context)
