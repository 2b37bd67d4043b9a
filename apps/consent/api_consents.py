"""REST: consents, their documents, and how a person is reached."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.accounts.rest import checked, page_of, stated_purpose, user_of
from apps.accounts.roles import Capability
from apps.cameras.models import Camera, CameraGroup
from apps.cameras.selectors import cameras_for, groups_visible_to
from apps.consent import selectors, services
from apps.consent import serializers as forms
from apps.consent.api import ACTIONS, RIGHTS
from apps.consent.models import Purpose
from apps.core.api import ApiView, KeysetPagination
from apps.core.errors import NotFound
from apps.core.renderers import OctetRenderer

MANAGE = {"GET": Capability.MANAGE_PURPOSES, "POST": Capability.MANAGE_PURPOSES}


class ConsentsView(ApiView):
    capability = RIGHTS
    required_action = ACTIONS
    pagination_class = KeysetPagination
    keyset_ordering = ("-given_at", "-id")

    @extend_schema(
        operation_id="consents_list",
        parameters=[forms.ConsentQuery],
        responses=forms.ConsentSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Consents, newest first. The search is recorded; say in X-Vidette-Purpose what it is for."""
        query = checked(forms.ConsentQuery, request.query_params)
        rows = services.consents_read(acting_user=user_of(request), purpose=stated_purpose(), **query)
        return page_of(self, request, rows, forms.ConsentSerializer)

    @extend_schema(request=forms.ConsentInput, responses={201: forms.ConsentSerializer})
    def post(self, request: Request) -> Response:
        """Record a consent. Without a reference a new one is made up; the contact is sealed."""
        user, values = user_of(request), checked(forms.ConsentInput, request.data)
        consent = services.consent_record(
            acting_user=user,
            reference=values.pop("reference"),
            contact=values.pop("contact"),
            cameras=_cameras(user, values.pop("cameras")),
            groups=_groups(user, values.pop("groups")),
            purposes=_purposes(user, values.pop("purposes")),
            fields=values,
        )
        shown = selectors.consent_get(user, consent.pk)
        return Response(forms.ConsentSerializer(shown).data, status=status.HTTP_201_CREATED)


def _cameras(user: User, ids: list[UUID]) -> list[Camera]:
    return _all(list(cameras_for(user, Capability.SEE_PURPOSES).filter(pk__in=ids)), ids, "camera")


def _groups(user: User, ids: list[UUID]) -> list[CameraGroup]:
    return _all(list(groups_visible_to(user).filter(pk__in=ids)), ids, "camera group")


def _purposes(user: User, ids: list[UUID]) -> list[Purpose]:
    return _all(list(selectors.purposes_search(user).filter(pk__in=ids)), ids, "purpose")


def _all(found: list[Any], ids: list[UUID], kind: str) -> list[Any]:
    if len(found) != len(set(ids)):
        raise NotFound(kind)
    return found


class ConsentView(ApiView):
    capability = RIGHTS
    required_action = ACTIONS

    @extend_schema(responses=forms.ConsentSerializer)
    def get(self, request: Request, consent_id: UUID) -> Response:
        """One consent. The access is recorded; say in X-Vidette-Purpose what it is for."""
        consent = services.consent_read(
            acting_user=user_of(request), consent_id=consent_id, purpose=stated_purpose()
        )
        return Response(forms.ConsentSerializer(consent).data)


class ConsentWithdrawView(ApiView):
    capability = MANAGE
    required_action = ACTIONS

    @extend_schema(request=forms.WithdrawInput, responses=forms.ConsentSerializer)
    def post(self, request: Request, consent_id: UUID) -> Response:
        """Withdraw a consent: what stands on it stops in the running streams at once."""
        user = user_of(request)
        consent = selectors.consent_get(user, consent_id)
        values = checked(forms.WithdrawInput, request.data)
        services.consent_withdraw(acting_user=user, consent=consent, **values)
        return Response(forms.ConsentSerializer(selectors.consent_get(user, consent_id)).data)


class ConsentContactView(ApiView):
    capability = MANAGE
    required_action = {"GET": ACTIONS["POST"]}

    @extend_schema(responses=forms.ContactSerializer)
    def get(self, request: Request, consent_id: UUID) -> Response:
        """How to reach the person. The access is recorded; say in X-Vidette-Purpose what it is for."""
        user = user_of(request)
        consent = selectors.consent_get(user, consent_id)
        contact = services.contact_reveal(acting_user=user, subject=consent.subject, purpose=stated_purpose())
        return Response({"contact": contact}, headers={"Cache-Control": "private, no-store"})


class ConsentDocumentView(ApiView):
    capability = {"GET": Capability.MANAGE_PURPOSES, "PUT": Capability.MANAGE_PURPOSES}
    required_action = {"GET": ACTIONS["PUT"], "PUT": ACTIONS["PUT"]}
    parser_classes = [MultiPartParser]
    renderer_classes = [JSONRenderer, OctetRenderer]

    @extend_schema(
        responses={(200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, "The document.")}
    )
    def get(self, request: Request, consent_id: UUID) -> HttpResponse:
        """The document that proves a consent, as it was given. The access is recorded."""
        user = user_of(request)
        consent = selectors.consent_get(user, consent_id)
        evidence = services.evidence_open(acting_user=user, consent=consent, purpose=stated_purpose())
        headers = {"Content-Disposition": "attachment", "Cache-Control": "private, no-store"}
        return HttpResponse(evidence.data, content_type="application/octet-stream", headers=headers)

    @extend_schema(
        request={"multipart/form-data": forms.DocumentForm},
        responses=forms.ConsentSerializer,
    )
    def put(self, request: Request, consent_id: UUID) -> Response:
        """Keep a document: PDF, JPEG or PNG, at most 10 MB. It is stored sealed and never replaced."""
        user = user_of(request)
        consent = selectors.consent_get(user, consent_id)
        values = checked(forms.DocumentForm, request.data)
        document = values["document"]
        services.evidence_put(
            acting_user=user,
            consent=consent,
            version=values["version"],
            name=document.name or "document",
            file=document,
        )
        return Response(forms.ConsentSerializer(selectors.consent_get(user, consent_id)).data)
