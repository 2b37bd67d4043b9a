"""REST: the detector of a zone."""

from typing import Any, cast
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.rest import checked, user_of
from apps.accounts.roles import Capability
from apps.cameras.selectors import access_camera, zone_get
from apps.core.api import ApiView
from apps.registry import selectors, zones
from apps.registry.api import VersionSerializer


class ZoneDetectorInput(serializers.Serializer[Any]):
    version = serializers.UUIDField(allow_null=True, help_text="Null: the zone is looked at with its camera.")


class ZoneDetectorSerializer(serializers.Serializer[Any]):
    """The version that detects in the zone; null where the camera's does."""

    version = VersionSerializer(allow_null=True)


class ZoneDetectorView(ApiView):
    capability = {"PUT": Capability.ASSIGN_MODELS}
    required_action = {"PUT": ""}

    @extend_schema(request=ZoneDetectorInput, responses=ZoneDetectorSerializer)
    def put(self, request: Request, camera_id: UUID, zone_id: UUID) -> Response:
        """Let one version detect in a zone. People only; no token covers this."""
        user = user_of(request)
        camera = access_camera(user, camera_id, purpose="models of a zone", capability=Capability.SEE_CAMERAS)
        zone = zone_get(camera, zone_id)
        version_id = cast(UUID | None, checked(ZoneDetectorInput, request.data)["version"])
        if version_id is None:
            zones.zone_detector_clear(acting_user=user, zone=zone)
            return Response(ZoneDetectorSerializer({"version": None}).data)
        version = selectors.version_get(user, version_id)
        row = zones.zone_detector_assign(acting_user=user, zone=zone, version=version)
        return Response(ZoneDetectorSerializer({"version": row.version}).data)
