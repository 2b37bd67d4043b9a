"""What concerns a person: looked for, collected, looked at, taken out again."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.cameras.selectors import cameras_visible_to
from apps.cases import services
from apps.cases.search import Hits, case_search
from apps.cases.selectors import case_get
from apps.console.access import page, told, viewer
from apps.console.case_forms import CaseSearchForm
from apps.console.forms import common_zone
from apps.console.purposes import purpose_of
from apps.console.views.cases import PURPOSE, RUN
from apps.core.errors import DomainError, NotFound
from apps.detections.selectors import labels_seen


@page(RUN)
def case_find(request: HttpRequest, case_id: str) -> HttpResponse:
    """Search in redacted material; what is found is ticked and collected."""
    user = viewer(request)
    found = case_get(user, case_id)
    cameras = list(cameras_visible_to(user))
    form = CaseSearchForm(
        request.GET or None, cameras=cameras, labels=labels_seen(user), zone_name=common_zone(cameras)
    )
    hits: Hits | None = None
    if form.is_bound and form.is_valid():
        try:
            hits = case_search(
                acting_user=user, case=found, terms=form.terms(), purpose=purpose_of(request, PURPOSE)
            )
        except DomainError as error:
            form.add_error(None, error.message)
    context = {"case": found, "form": form, "groups": _groups(hits), "hits": hits}
    return render(request, "console/case_find.html", context)


def _groups(hits: Hits | None) -> list[dict[str, Any]]:
    if hits is None:
        return []
    groups = (
        ("event", _("Events"), hits.events),
        ("segment", _("Recordings"), hits.segments),
        ("reading", _("Readings"), hits.readings),
        ("file", _("Redacted files"), hits.files),
    )
    return [
        {
            "kind": kind,
            "title": title,
            "more": kind in hits.more,
            "rows": [
                {
                    "row": row,
                    "there": (kind, row.pk) in hits.collected,
                    "watchable": getattr(row, "camera_id", None) in hits.watchable,
                }
                for row in rows
            ],
        }
        for kind, title, rows in groups
        if rows
    ]


@page(RUN, methods=("POST",))
def case_collect(request: HttpRequest, case_id: str) -> HttpResponse:
    user = viewer(request)
    found = case_get(user, case_id)
    chosen = [_pair(text) for text in request.POST.getlist("item")]
    count = len(chosen)
    words = ngettext("%(n)d thing collected.", "%(n)d things collected.", count) % {"n": count}
    told(
        request,
        lambda: services.items_add(
            acting_user=user, case=found, chosen=chosen, purpose=purpose_of(request, PURPOSE)
        ),
        words,
    )
    return redirect("console:case", found.pk)


def _pair(text: str) -> tuple[str, str]:
    kind, _colon, key = text.partition(":")
    return kind, key


@page(RUN, methods=("POST",))
def case_item_remove(request: HttpRequest, case_id: str, item_id: UUID) -> HttpResponse:
    user = viewer(request)
    found = case_get(user, case_id)
    told(
        request,
        lambda: services.item_remove(acting_user=user, case=found, item_id=item_id),
        _("Taken out of the request. Where it came from it stays."),
    )
    return redirect("console:case", found.pk)


@page(RUN)
def case_item_copy(request: HttpRequest, case_id: str, item_id: UUID) -> HttpResponseBase:
    """The copy of one item, as the person will get it; each look is on record."""
    user = viewer(request)
    found = case_get(user, case_id)
    item = services.item_get(found, item_id)
    if not item.copy_key:
        raise NotFound(_("copy"))
    return services.item_copy_response(
        user, item, purpose_of(request, PURPOSE), request.headers.get("Range", "")
    )


@page(RUN, methods=("POST",))
def case_original_ask(request: HttpRequest, case_id: str, item_id: UUID) -> HttpResponse:
    user = viewer(request)
    found = case_get(user, case_id)
    item = services.item_get(found, item_id)
    told(
        request,
        lambda: services.original_ask(acting_user=user, case=found, item=item),
        _("Asked. A second person decides on the page “Unmasking”."),
    )
    return redirect("console:case", found.pk)


@page(RUN, methods=("POST",))
def case_original_edit(request: HttpRequest, case_id: str, item_id: UUID) -> HttpResponse:
    user = viewer(request)
    found = case_get(user, case_id)
    item = services.item_get(found, item_id)
    done = told(
        request,
        lambda: services.original_edit(acting_user=user, case=found, item=item),
        _("In the editor: everybody gets covered first. Then keep the person visible and render again."),
    )
    item = services.item_get(found, item_id)
    return (
        redirect("console:redaction", item.facts["edited_as"]) if done else redirect("console:case", found.pk)
    )
