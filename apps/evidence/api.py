"""REST: evidence packs. Whoever takes one out of the house is on record before its first byte."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import TokenAction, User
from apps.accounts.rest import checked, stated_purpose, user_of
from apps.accounts.roles import Capability
from apps.cameras.models import Camera
from apps.cameras.selectors import access_camera
from apps.core.api import ApiView, KeysetPagination
from apps.core.errors import Invalid
from apps.core.renderers import JpegRenderer
from apps.detections.api import PURPOSE
from apps.detections.selectors import event_look_up
from apps.evidence import serializers as forms
from apps.evidence import services
from apps.evidence.models import EvidencePack
from apps.evidence.selectors import pack_get, packs_of

WRITE = TokenAction.EVIDENCE_WRITE
MAY = Capability.EXPORT_EVIDENCE
RANGE = OpenApiParameter(
    "Range", OpenApiTypes.STR, OpenApiParameter.HEADER, description="One range of bytes (RFC 9110)."
)
ARCHIVE: dict[Any, Any] = {
    (code, services.CONTENT_TYPE): OpenApiResponse(OpenApiTypes.BINARY, "The pack, or a part of it.")
    for code in (200, 206)
}


class ZipRenderer(JpegRenderer):
    """Packs are answered past the renderers; problems are JSON."""

    media_type = services.CONTENT_TYPE
    format = "zip"


class PacksView(ApiView):
    capability = MAY
    required_action = WRITE
    pagination_class = KeysetPagination
    keyset_ordering = ("-created_at", "-id")

    @extend_schema(
        operation_id="evidence_list",
        parameters=[forms.PackQuery],
        responses=forms.PackSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Packs of the cameras that you may watch, newest first."""
        rows = packs_of(user_of(request)).filter(**checked(forms.PackQuery, request.query_params))
        pages = KeysetPagination()
        found: list[EvidencePack] = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response([forms.shown(row, request) for row in found])

    @extend_schema(
        operation_id="evidence_create",
        parameters=[PURPOSE],
        request=forms.PackInput,
        responses={202: forms.PackSerializer},
    )
    def post(self, request: Request) -> Response:
        """Ask for a pack of what a camera recorded. Made in the background; ask until it is `done`."""
        user, purpose = user_of(request), stated_purpose()
        values = checked(forms.PackInput, request.data)
        camera, wanted = _wanted(user, values, purpose)
        pack = services.pack_create(acting_user=user, camera=camera, wanted=wanted)
        return Response(forms.shown(pack, request), status=status.HTTP_202_ACCEPTED)


def _wanted(user: User, values: dict[str, Any], purpose: str) -> tuple[Camera, services.Wanted]:
    camera_id, since, until = values.get("camera"), values.get("since"), values.get("until")
    event_id: UUID | None = values.get("event")
    if event_id is not None:
        event = event_look_up(user, event_id, purpose=purpose)
        if camera_id not in (None, event.camera_id):
            raise Invalid("other_camera", _("camera: expected that of the event, or none."), field="camera")
        around = services.span_of_event(event)
        camera_id, since, until = event.camera_id, since or around[0], until or around[1]
    camera = access_camera(user, camera_id, purpose=purpose, capability=MAY)
    items = {name: [str(key) for key in keys] for name, keys in values.get("items", {}).items() if keys}
    return camera, services.Wanted(
        _moment(since), _moment(until), purpose, values["case"], values["reason"], event_id, items
    )


def _moment(at: datetime | None) -> datetime:
    if at is None:
        raise Invalid("no_span", _("since and until: expected both, or an event."), field="since")
    return at


class PackView(ApiView):
    capability = MAY
    required_action = WRITE

    @extend_schema(operation_id="evidence_read", responses=forms.PackSerializer)
    def get(self, request: Request, pack_id: UUID) -> Response:
        return Response(forms.shown(pack_get(user_of(request), pack_id), request))

    @extend_schema(operation_id="evidence_delete", responses={204: None})
    def delete(self, request: Request, pack_id: UUID) -> Response:
        """Delete a pack before its time; what it was made of stays. Refused while a legal hold keeps it."""
        user = user_of(request)
        services.pack_delete(acting_user=user, pack=pack_get(user, pack_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class PackFileView(ApiView):
    capability = MAY
    required_action = WRITE
    renderer_classes = [ZipRenderer]

    @extend_schema(operation_id="evidence_file", parameters=[PURPOSE, RANGE], responses=ARCHIVE)
    def get(self, request: Request, pack_id: UUID) -> HttpResponseBase:
        """The pack. Takes a header Range; each answer, ranges included, is an access on record."""
        user, purpose = user_of(request), stated_purpose()
        pack = pack_get(user, pack_id)
        return services.pack_open(user, pack, purpose=purpose, wanted=request.headers.get("Range", ""))
