"""Consents: recorded, withdrawn, proven. Compliance keeps them; administrators see all but the contact."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import user_can
from apps.cameras.selectors import cameras_visible_to, groups_visible_to
from apps.consent import services
from apps.consent.models import Consent, LawfulBasis
from apps.consent.selectors import consent_get, purposes_needing, purposes_search
from apps.consent.services.evidence import Evidence
from apps.console.access import page, told, viewer
from apps.console.consent_forms import ConsentFilters, ConsentForm
from apps.console.forms import common_zone
from apps.console.purposes import purpose_of
from apps.console.views.camera_changes import version_of
from apps.console.views.purposes import MANAGE, SEE, stage_labels
from apps.core.clock import now
from apps.core.errors import DomainError
from apps.core.pagination import keyset_page
from apps.dispatch.selectors import lease_changes

PAGE_ROWS = 50
EFFECTS = 20
REVIEW = "compliance review"


@page(SEE)
def consents(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    filters = ConsentFilters(request.GET)
    rows = keyset_page(
        services.consents_read(acting_user=user, purpose=purpose_of(request, REVIEW), **filters.criteria()),
        ordering=("-given_at", "-id"),
        limit=PAGE_ROWS,
        cursor=request.GET.get("cursor", ""),
    )
    at = now()
    context = {
        "filters": filters,
        "rows": [
            {"consent": row, "stages": stage_labels(row.stages), "state": _state(row, at)}
            for row in rows.items
        ],
        "next_cursor": rows.next_cursor,
        "cursor": request.GET.get("cursor", ""),
        "query": {key: value for key, value in request.GET.items() if value and key != "cursor"},
        "can_manage": user_can(user, MANAGE),
    }
    return render(request, "console/consents.html", context)


def _state(consent: Consent, at: Any) -> str:
    if consent.withdrawn_at is not None:
        return "withdrawn"
    if consent.stands(at):
        return "standing"
    return "expired" if consent.given_at <= at else "to_come"


@page(SEE)
def consent(request: HttpRequest, consent_id: str) -> HttpResponse:
    user = viewer(request)
    found = services.consent_read(
        acting_user=user, consent_id=consent_id, purpose=purpose_of(request, REVIEW)
    )
    return _shown(request, user, found)


def _shown(request: HttpRequest, user: User, found: Consent, contact: str = "") -> HttpResponse:
    entries = list(purposes_needing(found.subject))
    cameras = {entry.camera.pk: entry.camera for entry in entries if entry.camera is not None}
    context = {
        "consent": found,
        "state": _state(found, now()),
        "stages": stage_labels(found.stages),
        "entries": entries,
        "effects": lease_changes(cameras.values(), since=found.created_at)[:EFFECTS],
        "contact": contact,
        "has_contact": found.subject.contact_sealed is not None,
        "can_manage": user_can(user, MANAGE),
    }
    return render(request, "console/consent.html", context)


@page(MANAGE, methods=("GET", "POST"))
def consent_add(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    form = _form(request, user)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.consent_record(
                acting_user=user,
                reference=form.cleaned_data["reference"],
                contact=form.cleaned_data["contact"],
                fields=form.values(),
                **form.scope(),
            )
            _keep_document(request, user, made, form)
            return redirect("console:consent", made.pk)
        except DomainError as error:
            form.add_error(None, error.message)
    return render(request, "console/consent_form.html", {"form": form})


def _form(request: HttpRequest, user: User) -> ConsentForm:
    cameras = cameras_visible_to(user)
    return ConsentForm(
        request.POST or None,
        request.FILES or None,
        cameras=cameras,
        groups=groups_visible_to(user),
        purposes=purposes_search(user, ended=False).filter(lawful_basis=LawfulBasis.CONSENT),
        zone_name=common_zone(list(cameras)),
        initial={"reference": request.GET.get("subject", "")},
    )


def _keep_document(request: HttpRequest, user: User, made: Consent, form: ConsentForm) -> None:
    """The consent counts without its document, too: a refused file is told and can be added later."""
    document = form.cleaned_data["document"]
    if document is not None:
        told(
            request,
            lambda: services.evidence_put(
                acting_user=user, consent=made, version=made.version, name=document.name, file=document
            ),
            _("The consent is recorded with its document."),
        )


@page(MANAGE, methods=("POST",))
def consent_withdraw(request: HttpRequest, consent_id: str) -> HttpResponse:
    user = viewer(request)
    found = consent_get(user, consent_id)
    told(
        request,
        lambda: services.consent_withdraw(
            acting_user=user,
            consent=found,
            version=version_of(request),
            note=request.POST.get("note", ""),
        ),
        _("The consent is withdrawn. What stood on it stops now; below is the proof."),
    )
    return redirect("console:consent", found.pk)


@page(MANAGE, methods=("POST",))
def consent_contact(request: HttpRequest, consent_id: str) -> HttpResponse:
    """How to reach the person, once, on this answer alone."""
    user = viewer(request)
    found = consent_get(user, consent_id)
    contact = services.contact_reveal(
        acting_user=user, subject=found.subject, purpose=purpose_of(request, REVIEW)
    )
    response = _shown(request, user, found, contact)
    response["Cache-Control"] = "private, no-store"
    return response


@page(MANAGE, methods=("GET", "POST"))
def consent_document(request: HttpRequest, consent_id: str) -> HttpResponse:
    """The document as a download; with POST one is added."""
    user = viewer(request)
    found = consent_get(user, consent_id)
    if request.method == "POST":
        return _document_added(request, user, found)
    evidence = services.evidence_open(acting_user=user, consent=found, purpose=purpose_of(request, REVIEW))
    return document_response(evidence)


def _document_added(request: HttpRequest, user: User, found: Consent) -> HttpResponse:
    document = request.FILES.get("document")
    if document is not None:
        told(
            request,
            lambda: services.evidence_put(
                acting_user=user,
                consent=found,
                version=version_of(request),
                name=document.name or "document",
                file=document,
            ),
            _("The document is kept."),
        )
    return redirect("console:consent", found.pk)


def document_response(evidence: Evidence) -> HttpResponse:
    """Saved under a name of ours, never shown inside of the product's origin."""
    endings = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
    name = f"consent.{endings[evidence.content_type]}"
    return HttpResponse(
        evidence.data,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
