"""An erasure on the pages: preview, decision of a second person, execution, certificate."""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.cases import services
from apps.cases.certificates import certificate_pdf
from apps.cases.models import Erasure
from apps.cases.selectors import case_get, erasure_get
from apps.console.access import page, told, viewer
from apps.console.views.camera_changes import version_of
from apps.console.views.cases import RUN


@page(RUN, methods=("POST",))
def erasure_add(request: HttpRequest, case_id: str) -> HttpResponse:
    user = viewer(request)
    found = case_get(user, case_id)
    told(
        request,
        lambda: services.erasure_preview(acting_user=user, case=found),
        _("This is what would be erased. A second person decides."),
    )
    return redirect("console:case", found.pk)


@page(RUN, methods=("POST",))
def erasure_approve(request: HttpRequest, case_id: str, erasure_id: UUID) -> HttpResponse:
    def approve(user: User, erasure: Erasure) -> object:
        return services.erasure_approve(
            acting_user=user,
            erasure=erasure,
            version=version_of(request),
            note=request.POST.get("note", ""),
        )

    return _decided(request, case_id, erasure_id, approve, _("Approved. It can be executed within the day."))


@page(RUN, methods=("POST",))
def erasure_refuse(request: HttpRequest, case_id: str, erasure_id: UUID) -> HttpResponse:
    def refuse(user: User, erasure: Erasure) -> object:
        return services.erasure_refuse(
            acting_user=user,
            erasure=erasure,
            version=version_of(request),
            note=request.POST.get("note", ""),
        )

    return _decided(request, case_id, erasure_id, refuse, _("Refused."))


@page(RUN, methods=("POST",))
def erasure_execute(request: HttpRequest, case_id: str, erasure_id: UUID) -> HttpResponse:
    def execute(user: User, erasure: Erasure) -> object:
        return services.erasure_execute(acting_user=user, erasure=erasure, version=version_of(request))

    return _decided(request, case_id, erasure_id, execute, _("Erased. The certificate is ready."))


def _decided(
    request: HttpRequest, case_id: str, erasure_id: UUID, act: Callable[[User, Erasure], object], done: str
) -> HttpResponse:
    user = viewer(request)
    erasure = erasure_get(user, case_id, erasure_id)
    told(request, lambda: act(user, erasure), done)
    return redirect("console:case", case_id)


@page(RUN)
def erasure_certificate(request: HttpRequest, case_id: str, erasure_id: UUID) -> HttpResponse:
    user = viewer(request)
    erasure = erasure_get(user, case_id, erasure_id)
    language = translation.get_language() or "en"
    pdf = certificate_pdf(acting_user=user, erasure=erasure, language=language)
    name = f'attachment; filename="erasure-{erasure.case.reference}.pdf"'
    return HttpResponse(pdf, content_type="application/pdf", headers={"Content-Disposition": name})
