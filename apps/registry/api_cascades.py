"""REST: the cascades of a camera."""

from typing import Any, cast
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.rest import checked, user_of
from apps.accounts.roles import Capability
from apps.cameras.models import Camera
from apps.cameras.selectors import access_camera, zone_get
from apps.core.api import ApiView
from apps.registry import cascades, selectors
from apps.registry.models import Cascade, CascadeStage
from inference_workers.contracts.lease import MAX_EVERY_S, MIN_EVERY_S

PURPOSE = "cascades of a camera"


class CascadeInput(serializers.Serializer[Any]):
    stage = serializers.ChoiceField(
        choices=CascadeStage.choices, help_text="classify: a version names the crops. text: they are read."
    )
    labels = serializers.ListField(
        child=serializers.CharField(max_length=80),
        max_length=cascades.MAX_LABELS,
        help_text="Classes of the detector whose crops go on.",
    )
    name = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=cascades.MAX_NAME,
        help_text="What the answer is called, of a classifier.",
    )  # fmt: skip
    version = serializers.UUIDField(required=False, allow_null=True, default=None)
    zone = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="Only what stands in this zone."
    )
    every_s = serializers.FloatField(
        required=False, default=5.0, min_value=MIN_EVERY_S, max_value=MAX_EVERY_S,
        help_text="A thing is looked at again after so many seconds at the earliest.",
    )  # fmt: skip


class CascadeSerializer(serializers.ModelSerializer[Cascade]):
    """`runs` is false while its version cannot serve; finding goes on meanwhile."""

    labels = serializers.ListField(child=serializers.CharField())
    zone = serializers.UUIDField(source="zone_id", allow_null=True)
    version = serializers.UUIDField(source="version_id", allow_null=True)
    model_name = serializers.CharField(source="version.name", default="")
    model_sha256 = serializers.CharField(source="version.sha256", default="")
    runs = serializers.SerializerMethodField()

    class Meta:
        model = Cascade
        fields = (
            "id", "stage", "labels", "name", "zone", "every_s", "version", "model_name", "model_sha256",
            "runs", "assigned_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_runs(self, cascade: Cascade) -> bool:
        return cascades.runs(cascade)


def _camera(request: Request, camera_id: UUID) -> Camera:
    return access_camera(
        user_of(request), camera_id, purpose=PURPOSE, capability=Capability.SEE_CAMERAS
    )  # fmt: skip


def _facts(request: Request, camera: Camera) -> cascades.CascadeFacts:
    """What the body asks for; ids become rows that this person may name."""
    wanted = checked(CascadeInput, request.data)
    version_id, zone_id = cast(UUID | None, wanted["version"]), cast(UUID | None, wanted["zone"])
    return cascades.CascadeFacts(
        stage=wanted["stage"],
        labels=tuple(wanted["labels"]),
        name=wanted["name"].strip(),
        version=selectors.version_get(user_of(request), version_id) if version_id else None,
        zone=zone_get(camera, zone_id) if zone_id else None,
        every_s=wanted["every_s"],
    )


class CascadesView(ApiView):
    capability = {"GET": Capability.SEE_CAMERAS, "POST": Capability.ASSIGN_MODELS}
    required_action = {"GET": "", "POST": ""}

    @extend_schema(operation_id="cascades_list", responses=CascadeSerializer(many=True))
    def get(self, request: Request, camera_id: UUID) -> Response:
        """What goes on to another model on this camera."""
        camera = _camera(request, camera_id)
        rows = cascades.cascades_of([camera]).get(camera.pk, ())
        return Response(CascadeSerializer(rows, many=True).data)

    @extend_schema(request=CascadeInput, responses={201: CascadeSerializer})
    def post(self, request: Request, camera_id: UUID) -> Response:
        """Let the crops of some classes be named or read. People only; no token covers this."""
        user, camera = user_of(request), _camera(request, camera_id)
        facts = _facts(request, camera)
        row = cascades.cascade_add(acting_user=user, camera=camera, facts=facts)
        return Response(CascadeSerializer(row).data, status=201)


class CascadeView(ApiView):
    capability = {"PUT": Capability.ASSIGN_MODELS, "DELETE": Capability.ASSIGN_MODELS}
    required_action = {"PUT": "", "DELETE": ""}

    @extend_schema(request=CascadeInput, responses=CascadeSerializer)
    def put(self, request: Request, camera_id: UUID, cascade_id: UUID) -> Response:
        """Set a cascade anew, all of it: what the body leaves out is as in a new one. People only."""
        camera = _camera(request, camera_id)
        cascade = cascades.cascade_get(camera, cascade_id)
        facts = _facts(request, camera)
        row = cascades.cascade_change(acting_user=user_of(request), cascade=cascade, facts=facts)
        return Response(CascadeSerializer(row).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, camera_id: UUID, cascade_id: UUID) -> Response:
        """End a cascade; what it said stays on the events."""
        camera = _camera(request, camera_id)
        cascade = cascades.cascade_get(camera, cascade_id)
        cascades.cascade_remove(acting_user=user_of(request), cascade=cascade)
        return Response(status=204)
