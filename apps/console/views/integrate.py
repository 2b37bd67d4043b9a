"""The page for people who write programs against this installation, with examples ready to copy."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.models import TokenAction
from apps.accounts.roles import Capability, user_can
from apps.console.access import page, viewer
from apps.console.examples import examples_for


@page(None)
def integrate(request: HttpRequest) -> HttpResponse:
    base = request.build_absolute_uri("/").rstrip("/")
    context = {
        "base": base,
        "examples": examples_for(base),
        "actions": TokenAction.choices,
        "may_make_tokens": user_can(viewer(request), Capability.MANAGE_USERS),
    }
    return render(request, "console/integrate.html", context)
