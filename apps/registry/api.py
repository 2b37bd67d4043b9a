"""REST: model versions and the stages that they serve."""

from typing import Any, cast
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import TokenAction
from apps.accounts.rest import checked, page_of, user_of
from apps.accounts.roles import Capability
from apps.core.api import ApiView, KeysetPagination
from apps.registry import selectors, services
from apps.registry.choice import STAGE_TASK
from apps.registry.models import ModelVersion

STAGES = [stage.value for stage in STAGE_TASK]


@extend_schema_field({"type": "object", "additionalProperties": {"type": "number"}})
class ThresholdsField(serializers.JSONField):
    """The thresholds of the side file."""


class VersionSerializer(serializers.ModelSerializer[ModelVersion]):
    classes = serializers.ListField(child=serializers.CharField(), read_only=True)
    thresholds = ThresholdsField(read_only=True)

    class Meta:
        model = ModelVersion
        fields = (
            "id", "name", "family", "task", "sha256", "licence", "source", "classes", "input_width",
            "input_height", "thresholds", "builtin", "present", "problem", "note", "first_seen_at",
        )  # fmt: skip
        read_only_fields = fields


class StageSerializer(serializers.Serializer[Any]):
    """`assigned`: somebody chose the version; else it is the best that is present. Null: nothing serves."""

    stage = serializers.ChoiceField(choices=STAGES)
    version = VersionSerializer(allow_null=True)
    assigned = serializers.BooleanField()


class StageInput(serializers.Serializer[Any]):
    version = serializers.UUIDField(allow_null=True, help_text="Null goes back to the best that is present.")


class VersionsView(ApiView):
    capability = Capability.SEE_MODELS
    required_action = TokenAction.MODELS_READ
    pagination_class = KeysetPagination
    keyset_ordering = ("task", "name", "pk")

    @extend_schema(operation_id="models_list", responses=VersionSerializer(many=True))
    def get(self, request: Request) -> Response:
        return page_of(self, request, selectors.versions_all(), VersionSerializer)


class VersionView(ApiView):
    capability = Capability.SEE_MODELS
    required_action = TokenAction.MODELS_READ

    @extend_schema(responses=VersionSerializer)
    def get(self, request: Request, version_id: UUID) -> Response:
        return Response(VersionSerializer(selectors.version_get(user_of(request), version_id)).data)


class StagesView(ApiView):
    capability = Capability.SEE_MODELS
    required_action = TokenAction.MODELS_READ

    @extend_schema(operation_id="stages_list", responses=StageSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Which version serves each stage now."""
        return Response(StageSerializer(selectors.stage_states(), many=True).data)


class StageView(ApiView):
    capability = {"PUT": Capability.ASSIGN_MODELS}
    required_action = {"PUT": ""}

    @extend_schema(request=StageInput, responses=StageSerializer)
    def put(self, request: Request, stage: str) -> Response:
        """Let one version serve a stage on every camera. People only; no token covers this."""
        user = user_of(request)
        version_id = cast(UUID | None, checked(StageInput, request.data)["version"])
        if version_id is None:
            services.stage_clear(acting_user=user, stage=stage)
        else:
            version = selectors.version_get(user, version_id)
            services.stage_assign(acting_user=user, stage=stage, version=version)
        state = next(state for state in selectors.stage_states() if state.stage == stage)
        return Response(StageSerializer(state).data)
