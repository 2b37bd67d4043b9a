"""REST: the register of purposes, and what may be done with a camera now."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import TokenAction, User
from apps.accounts.rest import checked, page_of, user_of
from apps.accounts.roles import Capability
from apps.cameras.models import Camera, Zone
from apps.cameras.selectors import access_camera, cameras_for, zone_get
from apps.consent import selectors, services
from apps.consent import serializers as forms
from apps.consent.models import Purpose
from apps.consent.notices import sign_pdf
from apps.core.api import ApiView, KeysetPagination
from apps.core.context import current_context
from apps.core.renderers import PdfRenderer

READ, WRITE = TokenAction.PURPOSES_READ, TokenAction.PURPOSES_WRITE
_WRITES = ("POST", "PATCH", "PUT")
RIGHTS = {"GET": Capability.SEE_PURPOSES, **dict.fromkeys(_WRITES, Capability.MANAGE_PURPOSES)}
ACTIONS = {"GET": READ, **dict.fromkeys(_WRITES, WRITE)}


def _shown(purposes: Sequence[Purpose]) -> Any:
    verdicts = selectors.verdicts_of(purposes)
    return forms.PurposeSerializer(purposes, many=True, context={"verdicts": verdicts}).data


def _shown_one(user: User, purpose: Purpose) -> Any:
    return _shown([selectors.purpose_get(user, purpose.pk)])[0]


def _camera(user: User, camera_id: UUID, capability: Capability) -> Camera:
    return access_camera(user, camera_id, purpose=current_context().purpose, capability=capability)


def _zone(camera: Camera, zone_id: UUID | None) -> Zone | None:
    return None if zone_id is None else zone_get(camera, zone_id)


class PurposesView(ApiView):
    capability = RIGHTS
    required_action = ACTIONS
    pagination_class = KeysetPagination
    keyset_ordering = ("camera_name", "zone_name", "pk")

    @extend_schema(
        operation_id="purposes_list",
        parameters=[forms.PurposeQuery],
        responses=forms.PurposeSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Entries of the register, by camera."""
        query = checked(forms.PurposeQuery, request.query_params)
        pages = KeysetPagination()
        rows = selectors.purposes_search(user_of(request), **query)
        items = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(_shown(items))

    @extend_schema(request=forms.PurposeInput, responses={201: forms.PurposeSerializer})
    def post(self, request: Request) -> Response:
        """Enter a purpose for a camera, or a narrower one for one of its zones."""
        user, values = user_of(request), checked(forms.PurposeInput, request.data)
        camera = _camera(user, values.pop("camera"), Capability.MANAGE_PURPOSES)
        purpose = services.purpose_create(
            acting_user=user,
            camera=camera,
            zone=_zone(camera, values.pop("zone", None)),
            subjects=values.pop("subjects", ()),
            fields=values,
        )
        return Response(_shown_one(user, purpose), status=status.HTTP_201_CREATED)


class PurposeView(ApiView):
    capability = RIGHTS
    required_action = ACTIONS

    @extend_schema(responses=forms.PurposeSerializer)
    def get(self, request: Request, purpose_id: UUID) -> Response:
        return Response(_shown([selectors.purpose_get(user_of(request), purpose_id)])[0])

    @extend_schema(request=forms.PurposeChange, responses=forms.PurposeSerializer)
    def patch(self, request: Request, purpose_id: UUID) -> Response:
        """Change an entry. Running streams follow at once; what it said before stays in its history."""
        user = user_of(request)
        purpose = selectors.purpose_get(user, purpose_id)
        values = checked(forms.PurposeChange, request.data)
        services.purpose_update(
            acting_user=user,
            purpose=purpose,
            version=values.pop("version"),
            subjects=values.pop("subjects", None),
            changes=values,
        )
        return Response(_shown_one(user, purpose))


class PurposeEndView(ApiView):
    capability = {"POST": Capability.MANAGE_PURPOSES}
    required_action = ACTIONS

    @extend_schema(request=forms.EndInput, responses=forms.PurposeSerializer)
    def post(self, request: Request, purpose_id: UUID) -> Response:
        """End an entry: what stands on it alone stops at once."""
        user = user_of(request)
        purpose = selectors.purpose_get(user, purpose_id)
        services.purpose_end(acting_user=user, purpose=purpose, **checked(forms.EndInput, request.data))
        return Response(_shown_one(user, purpose))


class PurposeVersionsView(ApiView):
    capability = {"GET": Capability.SEE_PURPOSES}
    required_action = ACTIONS
    pagination_class = KeysetPagination
    keyset_ordering = ("-number",)

    @extend_schema(operation_id="purpose_versions_list", responses=forms.PurposeVersionSerializer(many=True))
    def get(self, request: Request, purpose_id: UUID) -> Response:
        """What an entry said, version by version, the newest first."""
        purpose = selectors.purpose_get(user_of(request), purpose_id)
        return page_of(self, request, selectors.versions_of(purpose), forms.PurposeVersionSerializer)


class BasesView(ApiView):
    capability = {"GET": Capability.SEE_PURPOSES}
    required_action = ACTIONS
    pagination_class = KeysetPagination
    keyset_ordering = ("site__name", "name", "pk")

    @extend_schema(operation_id="bases_list", responses=forms.BasisSerializer(many=True))
    def get(self, request: Request) -> Response:
        """What may be done with each camera now; `streams` is false for cameras without basis."""
        pages = KeysetPagination()
        cameras = cameras_for(user_of(request), Capability.SEE_PURPOSES)
        items = pages.paginate_queryset(cameras, request, view=self)
        bases = selectors.bases_of(items)
        return pages.get_paginated_response([forms.basis_shown(row.pk, bases[row.pk]) for row in items])


class CameraBasisView(ApiView):
    capability = {"GET": Capability.SEE_CAMERAS}
    required_action = {"GET": TokenAction.CAMERAS_READ}

    @extend_schema(responses=forms.BasisSerializer)
    def get(self, request: Request, camera_id: UUID) -> Response:
        """The purposes of a camera that are in force now, for everybody who sees the camera."""
        camera = _camera(user_of(request), camera_id, Capability.SEE_CAMERAS)
        return Response(forms.basis_shown(camera.pk, selectors.basis_of(camera)))


class CameraSignView(ApiView):
    capability = {"GET": Capability.SEE_PURPOSES}
    required_action = ACTIONS
    renderer_classes = [PdfRenderer]

    @extend_schema(
        parameters=[forms.SignQuery],
        responses={(200, "application/pdf"): OpenApiResponse(OpenApiTypes.BINARY, "The sign, A4.")},
    )
    def get(self, request: Request, camera_id: UUID) -> HttpResponse:
        """The sign to print, with a code that leads to the public notice."""
        user = user_of(request)
        language = checked(forms.SignQuery, request.query_params)["language"]
        camera = _camera(user, camera_id, Capability.SEE_PURPOSES)
        notice = services.notice_of(acting_user=user, camera=camera)
        path = reverse("console:notice", args=[notice.code])
        address = request.build_absolute_uri(f"{path}?language={language}")
        pdf = sign_pdf(camera, notice, address=address, language=language)
        return HttpResponse(pdf, content_type="application/pdf")
