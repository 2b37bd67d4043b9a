"""Requests of data subjects: the list with its clock, a request with its steps."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability
from apps.cases import services
from apps.cases.certificates import buckets_of, reach_of
from apps.cases.clock import left
from apps.cases.models import Case, CaseKind, Disclosure, DisclosureState, Erasure, ErasureState
from apps.cases.selectors import case_get, disclosures_of, erasures_of, items_of
from apps.console.access import page, told, viewer
from apps.console.case_forms import (
    CaseFilters,
    CaseForm,
    CloseForm,
    ExtendForm,
    GivenForm,
    IdentityForm,
    PrepareForm,
)
from apps.console.purposes import purpose_of
from apps.console.views.camera_changes import version_of
from apps.core.clock import now
from apps.core.errors import DomainError
from apps.core.pagination import keyset_page

RUN = Capability.RUN_CASES
PURPOSE = "data subject request"
PAGE_ROWS = 50


@page(RUN)
def cases(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    filters = CaseFilters(request.GET)
    rows = keyset_page(
        services.cases_read(acting_user=user, purpose=purpose_of(request, PURPOSE), **filters.criteria()),
        ordering=("due_at", "id"),
        limit=PAGE_ROWS,
        cursor=request.GET.get("cursor", ""),
    )
    at = now()
    context = {
        "filters": filters,
        "rows": [{"case": row, "left": left(row.due_at, at)} for row in rows.items],
        "next_cursor": rows.next_cursor,
        "cursor": request.GET.get("cursor", ""),
        "query": {key: value for key, value in request.GET.items() if value and key != "cursor"},
    }
    return render(request, "console/cases.html", context)


@page(RUN, methods=("GET", "POST"))
def case_add(request: HttpRequest) -> HttpResponse:
    form = CaseForm(request.POST or None, initial={"received_at": now()})
    if request.method == "POST" and form.is_valid():
        try:
            made = services.case_open(acting_user=viewer(request), received=form.received())
            messages.success(request, _("The request is entered. Its month runs from the receipt."))
            return redirect("console:case", made.pk)
        except DomainError as error:
            form.add_error(None, error.message)
    return render(request, "console/case_form.html", {"form": form})


@page(RUN)
def case(request: HttpRequest, case_id: str) -> HttpResponse:
    user = viewer(request)
    found = services.case_read(acting_user=user, case_id=case_id, purpose=purpose_of(request, PURPOSE))
    return _shown(request, user, found)


def _shown(request: HttpRequest, user: User, found: Case, contact: str = "") -> HttpResponse:
    context: dict[str, Any] = {
        "case": found,
        "items": items_of(found),
        "may_erase": found.kind in (CaseKind.ERASURE, CaseKind.OBJECTION),
        "gives": found.kind != CaseKind.ERASURE,
        "disclosures": [_disclosure(user, row) for row in disclosures_of(found)],
        "prepare_form": PrepareForm(auto_id="prepare_%s", initial={"language": get_language()}),
        "given_form": GivenForm(auto_id=False),
        "erasures": [_erasure(user, erasure) for erasure in erasures_of(found)],
        "left": left(found.due_at, now()),
        "contact": contact,
        "identity_form": IdentityForm(auto_id="identity_%s"),
        "extend_form": ExtendForm(auto_id="extend_%s"),
        "close_form": CloseForm(auto_id="close_%s"),
    }
    return render(request, "console/case.html", context)


def _disclosure(user: User, row: Disclosure) -> dict[str, Any]:
    over = row.expires_at <= now()
    approved = row.state == DisclosureState.APPROVED
    there = bool(row.pack_key) and not over and row.downloads < services.MAX_DOWNLOADS
    return {
        "row": row,
        "over": over and row.state in (DisclosureState.WAITING, DisclosureState.APPROVED),
        "may_decide": not over and row.state == DisclosureState.WAITING and row.prepared_by_id != user.pk,
        "may_fetch": there and row.state in (DisclosureState.APPROVED, DisclosureState.GIVEN),
        "left": services.MAX_DOWNLOADS - row.downloads,
        "may_give": approved,
    }


def _erasure(user: User, erasure: Erasure) -> dict[str, Any]:
    """A preview with what this person may do about it."""
    over = erasure.expires_at <= now()
    return {
        "row": erasure,
        "buckets": buckets_of(erasure),
        "reach": reach_of(erasure),
        "over": over and erasure.state in (ErasureState.WAITING, ErasureState.APPROVED),
        "may_decide": not over and erasure.state == ErasureState.WAITING and erasure.made_by_id != user.pk,
        "may_execute": not over and erasure.state == ErasureState.APPROVED,
    }


@page(RUN, methods=("POST",))
def case_contact(request: HttpRequest, case_id: str) -> HttpResponse:
    """The page with the contact opened; asked for with POST, so that no link opens it by itself."""
    user = viewer(request)
    found = case_get(user, case_id)
    contact = services.contact_reveal(acting_user=user, case=found, purpose=purpose_of(request, PURPOSE))
    return _shown(request, user, found, contact)


@page(RUN, methods=("POST",))
def case_identity(request: HttpRequest, case_id: str) -> HttpResponse:
    form = IdentityForm(request.POST)
    return _stepped(
        request,
        case_id,
        form,
        lambda user, found: services.identity_check(
            acting_user=user, case=found, version=version_of(request), **form.cleaned_data
        ),
        _("The check of the identity is recorded."),
    )


@page(RUN, methods=("POST",))
def case_extend(request: HttpRequest, case_id: str) -> HttpResponse:
    form = ExtendForm(request.POST)
    return _stepped(
        request,
        case_id,
        form,
        lambda user, found: services.case_extend(
            acting_user=user, case=found, version=version_of(request), **form.values()
        ),
        _("The deadline is extended by two months."),
    )


@page(RUN, methods=("POST",))
def case_close(request: HttpRequest, case_id: str) -> HttpResponse:
    form = CloseForm(request.POST)
    return _stepped(
        request,
        case_id,
        form,
        lambda user, found: services.case_close(
            acting_user=user, case=found, version=version_of(request), **form.cleaned_data
        ),
        _("The request is closed."),
    )


def _stepped(
    request: HttpRequest, case_id: str, form: Any, step: Callable[[User, Case], object], done: str
) -> HttpResponse:
    """One step of a request: what the form or the service refuses is said on the page of the request."""
    user = viewer(request)
    found = case_get(user, case_id)
    if form.is_valid():
        told(request, lambda: step(user, found), done)
    else:
        form_problems(request, form)
    return redirect("console:case", found.pk)


def form_problems(request: HttpRequest, form: Any) -> None:
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        messages.error(request, f"{label}: {errors[0]}")
