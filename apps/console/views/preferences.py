"""Home, and what a person chooses in the header: colours and purpose."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from apps.console.access import page, viewer
from apps.console.navigation import links_for
from apps.console.preferences import ONE_YEAR_S, THEME_COOKIE, THEMES
from apps.console.purposes import PURPOSES, SESSION_KEY


@page(None)
def home(request: HttpRequest) -> HttpResponse:
    """The first page that the role opens."""
    return redirect(links_for(viewer(request), "")[0].url)


def _back(request: HttpRequest) -> HttpResponseRedirect:
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(target if safe else "/")


@require_POST
def theme_choose(request: HttpRequest) -> HttpResponse:
    """Open to visitors as well: the sign-in page has colours, too."""
    response = _back(request)
    theme = request.POST.get("theme", "")
    if theme in THEMES and theme:
        response.set_cookie(
            THEME_COOKIE, theme, max_age=ONE_YEAR_S, secure=request.is_secure(), httponly=True, samesite="Lax"
        )
    else:
        response.delete_cookie(THEME_COOKIE)
    return response


@page(None, methods=("POST",))
def purpose_choose(request: HttpRequest) -> HttpResponse:
    purpose = request.POST.get("purpose", "")
    if purpose in PURPOSES:
        request.session[SESSION_KEY] = purpose
    else:
        request.session.pop(SESSION_KEY, None)
    return _back(request)
