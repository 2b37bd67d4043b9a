"""REST: proof of effect: what changed in the lease of a camera, and when the data plane obeyed."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import TokenAction
from apps.accounts.rest import checked, page_of, user_of
from apps.accounts.roles import Capability
from apps.cameras.selectors import access_camera
from apps.core.api import ApiView, KeysetPagination
from apps.core.clock import now
from apps.core.context import current_context
from apps.dispatch.models import LeaseChange
from apps.dispatch.selectors import lease_changes, moment_of

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


_SERVED: dict[str, Any] = {
    "at": "2026-11-17T09:30:00Z",
    "revision": 12,
    "lease": "0d8f4c1b-5f55-4e0a-8b1d-0c8b7f6a5e77",
    "since": "2026-11-17T08:00:00Z",
    "until": None,
    "settled": True,
    "withheld": "",
    "stages": [
        {
            "stage": "detect",
            "name": "picodet-s-320",
            "sha256": "ab" * 32,
            "version_id": "9a3f2f4e-3a65-4f0b-9a29-8f2d0f0c1a11",
            "shadow": False,
            "proved_sha256": "ab" * 32,
        }
    ],
    "settings": {"analysis_fps": 5.0, "script": "latin"},
}


class AtQuery(serializers.Serializer[Any]):
    at = serializers.DateTimeField(required=False, help_text="A moment with its time zone; now when absent.")


class ServedStageSerializer(serializers.Serializer[Any]):
    """`proved_sha256`: what the results of that moment carried, where they are still kept."""

    stage = serializers.CharField()
    name = serializers.CharField()
    sha256 = serializers.CharField()
    version_id = serializers.CharField()
    shadow = serializers.BooleanField()
    proved_sha256 = serializers.CharField(allow_blank=True)
    cascade = serializers.CharField(allow_blank=True, help_text="What a classifier's answer is called.")
    zone = serializers.CharField(allow_blank=True, help_text="Of a zone's own detector: the zone's name.")


@extend_schema_field({"type": "object", "additionalProperties": True})
class SettingsField(serializers.JSONField):
    """The contents of the lease: zones, redaction, rates, purposes; without credentials."""


@extend_schema_serializer(examples=[OpenApiExample("A Tuesday", value=_SERVED, response_only=True)])
class ServedSerializer(serializers.Serializer[Any]):
    """`settled`: the data plane had confirmed it by then. Null where there was no lease yet."""

    at = serializers.DateTimeField()
    revision = serializers.IntegerField(allow_null=True)
    lease = serializers.UUIDField(allow_null=True)
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    settled = serializers.BooleanField()
    withheld = serializers.CharField(allow_blank=True)
    stages = ServedStageSerializer(many=True)
    settings = SettingsField()


class CameraServedView(ApiView):
    capability = {"GET": Capability.SEE_CAMERAS}
    required_action = {"GET": TokenAction.CAMERAS_READ}

    @extend_schema(parameters=[AtQuery], responses=ServedSerializer)
    def get(self, request: Request, camera_id: UUID) -> Response:
        """Which version and which settings served a camera at a moment, for every stage."""
        camera = access_camera(
            user_of(request),
            camera_id,
            purpose=current_context().purpose,
            capability=Capability.SEE_CAMERAS,
        )
        at = checked(AtQuery, request.query_params).get("at") or now()
        moment = moment_of(camera, at)
        change = moment.change
        shown = {
            "at": at,
            "revision": change.revision if change else None,
            "lease": change.pk if change else None,
            "since": change.issued_at if change else None,
            "until": moment.until,
            "settled": moment.settled,
            "withheld": change.withheld if change else "",
            "stages": moment.served,
            "settings": change.contents if change else {},
        }
        return Response(ServedSerializer(shown).data)
