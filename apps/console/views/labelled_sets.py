"""One version of a labelled set: what is in it, and on which of its pictures no object may be missed."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.roles import Capability, user_can
from apps.console.access import page, told, viewer
from apps.console.evaluation_words import title_of
from apps.core.errors import DomainError
from apps.evaluations.models import SetState, SetVersion
from apps.evaluations.selectors import comparisons_on, pictures_of, set_get
from apps.evaluations.sets import must_pass_set

SEE, MAY = Capability.SEE_MODELS, Capability.EVALUATE_MODELS
PAGE_ROWS = 50
_SHOWN = 10


@page(SEE)
def labelled_set(request: HttpRequest, set_id: str) -> HttpResponse:
    user = viewer(request)
    found = set_get(user, set_id)
    context = {
        **_pictures(request, found),
        "set": found,
        "may_mark": user_can(user, MAY) and found.state != SetState.ERASED,
        "comparisons": [(row, title_of(row)) for row in comparisons_on(user, found)[:_SHOWN]],
    }
    return render(request, "console/labelled_set.html", context)


def _pictures(request: HttpRequest, found: SetVersion) -> dict[str, Any]:
    """One page of them; the cursor is the number of those before it."""
    search, marked = request.GET.get("q", "")[:100], request.GET.get("marked") == "on"
    cursor = request.GET.get("cursor", "")
    start = int(cursor) if cursor.isascii() and cursor.isdigit() else 0
    try:
        rows, problem = pictures_of(viewer(request), found, search=search, marked=marked), ""
    except DomainError as error:
        rows, problem = [], error.message
    end = start + PAGE_ROWS
    shown = rows[start:end]
    return {
        "pictures": shown,
        "with_camera": any(picture.camera for picture in shown),
        "with_light": any(picture.light for picture in shown),
        "count": len(rows),
        "problem": problem,
        "search": search,
        "marked": marked,
        "query": {"q": search, "marked": "on" if marked else ""},
        "cursor": cursor if start else "",
        "next_cursor": str(end) if len(rows) > end else "",
    }


@page(MAY, methods=("POST",))
def must_pass(request: HttpRequest, set_id: str) -> HttpResponse:
    """Mark one picture, or take that back; then back to where the button was."""
    user = viewer(request)
    found = set_get(user, set_id)
    sha256, wanted = request.POST.get("sha256", ""), request.POST.get("must_pass") == "yes"
    told(
        request,
        lambda: must_pass_set(acting_user=user, version=found, sha256=sha256, must_pass=wanted),
        _("Marked: no version may miss an object on it.") if wanted else _("It need not pass any more."),
    )
    evaluation = request.POST.get("evaluation", "")
    if _is_key(evaluation):
        return redirect("console:evaluation", evaluation)
    return redirect(
        f"{reverse('console:labelled_set', args=[found.pk])}?{request.POST.get('query', '')[:300]}"
    )


def _is_key(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
