"""What a person is given: prepared, checked by a second person, fetched, handed over."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.cases import services
from apps.cases.models import Disclosure
from apps.cases.selectors import case_get, disclosure_get
from apps.console.access import page, told, viewer
from apps.console.case_forms import GivenForm, PrepareForm
from apps.console.purposes import purpose_of
from apps.console.views.camera_changes import version_of
from apps.console.views.cases import PURPOSE, RUN, form_problems
from apps.core.errors import DomainError

Act = Callable[[User, Disclosure], object]


@page(RUN, methods=("POST",))
def disclosure_add(request: HttpRequest, case_id: str) -> HttpResponse:
    user = viewer(request)
    found = case_get(user, case_id)
    form = PrepareForm(request.POST)
    if form.is_valid():
        told(
            request,
            lambda: services.disclosure_prepare(acting_user=user, case=found, **form.cleaned_data),
            _("Prepared. A second person looks at every copy and decides."),
        )
    else:
        form_problems(request, form)
    return redirect("console:case", found.pk)


@page(RUN, methods=("POST",))
def disclosure_approve(request: HttpRequest, case_id: str, disclosure_id: UUID) -> HttpResponse:
    def approve(user: User, row: Disclosure) -> object:
        return services.disclosure_approve(acting_user=user, disclosure=row, **_decision(request))

    return _acted(request, case_id, disclosure_id, approve, _("Approved. It can be handed over."))


@page(RUN, methods=("POST",))
def disclosure_refuse(request: HttpRequest, case_id: str, disclosure_id: UUID) -> HttpResponse:
    def refuse(user: User, row: Disclosure) -> object:
        return services.disclosure_refuse(acting_user=user, disclosure=row, **_decision(request))

    return _acted(request, case_id, disclosure_id, refuse, _("Refused."))


def _decision(request: HttpRequest) -> dict[str, Any]:
    return {"version": version_of(request), "note": request.POST.get("note", "")}


@page(RUN, methods=("POST",))
def disclosure_give(request: HttpRequest, case_id: str, disclosure_id: UUID) -> HttpResponse:
    form = GivenForm(request.POST)
    if not form.is_valid():
        form_problems(request, form)
        return redirect("console:case", case_id)

    def give(user: User, row: Disclosure) -> object:
        return services.disclosure_give(
            acting_user=user,
            disclosure=row,
            version=version_of(request),
            given=form.given(),
            purpose=purpose_of(request, PURPOSE),
        )

    return _acted(request, case_id, disclosure_id, give, _("The hand-over is recorded with its receipt."))


def _acted(request: HttpRequest, case_id: str, disclosure_id: UUID, act: Act, done: str) -> HttpResponse:
    user = viewer(request)
    row = disclosure_get(user, case_id, disclosure_id)
    told(request, lambda: act(user, row), done)
    return redirect("console:case", case_id)


@page(RUN, methods=("POST",))
def disclosure_pack(request: HttpRequest, case_id: str, disclosure_id: UUID) -> HttpResponseBase:
    """The pack itself; with POST, so that no link and no look ahead uses it up."""
    user = viewer(request)
    row = disclosure_get(user, case_id, disclosure_id)
    try:
        return services.pack_open(acting_user=user, disclosure=row, purpose=purpose_of(request, PURPOSE))
    except DomainError as error:
        if error.status >= 500:
            raise
        messages.error(request, error.message)
        return redirect("console:case", case_id)
