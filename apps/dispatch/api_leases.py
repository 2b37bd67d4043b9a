"""REST: proof of effect: what changed in the lease of a camera, and when the data plane obeyed."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import TokenAction
from apps.accounts.rest import page_of, user_of
from apps.accounts.roles import Capability
from apps.cameras.selectors import access_camera
from apps.core.api import ApiView, KeysetPagination
from apps.core.context import current_context
from apps.dispatch.models import LeaseChange
from apps.dispatch.selectors import lease_changes

_WITHHELD: dict[str, Any] = {
    "id": "0d8f4c1b-5f55-4e0a-8b1d-0c8b7f6a5e77",
    "revision": 4,
    "issued_at": "2026-11-24T08:00:00.000000Z",
    "reason": "withheld: consent_missing",
    "withheld": "consent_missing",
    "stages": [],
    "basis": [],
    "confirmed_at": "2026-11-24T08:00:00.300000Z",
    "obeyed_after_s": 0.3,
}


@extend_schema_serializer(examples=[OpenApiExample("Withheld", value=_WITHHELD, response_only=True)])
class LeaseChangeSerializer(serializers.ModelSerializer[LeaseChange]):
    """`withheld` says why there is no lease from then on; `basis` names the entries that it stands on."""

    stages = serializers.SerializerMethodField()
    basis = serializers.SerializerMethodField()
    obeyed_after_s = serializers.FloatField(read_only=True, allow_null=True)

    class Meta:
        model = LeaseChange
        fields = tuple(_WITHHELD)
        read_only_fields = fields

    def get_stages(self, row: LeaseChange) -> list[str]:
        return list(row.contents.get("stages", []))

    def get_basis(self, row: LeaseChange) -> list[str]:
        return list(row.contents.get("basis", []))


class CameraLeasesView(ApiView):
    capability = {"GET": Capability.SEE_PURPOSES}
    required_action = {"GET": TokenAction.PURPOSES_READ}
    pagination_class = KeysetPagination
    keyset_ordering = ("-issued_at", "-pk")

    @extend_schema(operation_id="camera_leases_list", responses=LeaseChangeSerializer(many=True))
    def get(self, request: Request, camera_id: UUID) -> Response:
        """Changes of what the data plane may do with a camera, the newest first."""
        camera = access_camera(
            user_of(request),
            camera_id,
            purpose=current_context().purpose,
            capability=Capability.SEE_PURPOSES,
        )
        return page_of(self, request, lease_changes([camera]), LeaseChangeSerializer)
