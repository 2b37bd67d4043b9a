"""REST: model versions and the stages that they serve."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from apps.accounts.models import TokenAction
from apps.accounts.rest import checked, page_of, user_of
from apps.accounts.roles import Capability
from apps.cameras.grants import Viewer
from apps.core.api import ApiView, KeysetPagination, UnreadForm, unread_form
from apps.registry import selectors, versions
from apps.registry.choice import STAGE_TASK
from apps.registry.families import FILE_TASKS, FamilyFacts, family_create
from apps.registry.models import ModelFamily, ModelVersion, VersionKind
from apps.registry.uploads import model_received
from inference_workers.contracts.model_checks import CheckName, CheckOutcome

STAGES = [stage.value for stage in STAGE_TASK]


@extend_schema_field({"type": "object", "additionalProperties": {"type": "number"}})
class ThresholdsField(serializers.JSONField):
    """The thresholds of the side file."""


@extend_schema_field({"type": "object", "additionalProperties": {}})
class FactsField(serializers.JSONField):
    """What the data plane says, by name."""


class CheckLineSerializer(serializers.Serializer[Any]):
    """One line of the check. `detail` may quote the file: show it as text, never as markup."""

    check = serializers.ChoiceField(choices=[check.value for check in CheckName])
    outcome = serializers.ChoiceField(choices=[outcome.value for outcome in CheckOutcome])
    detail = serializers.CharField()
    took_ms = serializers.FloatField()


class VersionSerializer(serializers.ModelSerializer[ModelVersion]):
    classes = serializers.ListField(child=serializers.CharField(), read_only=True)
    thresholds = ThresholdsField(read_only=True)
    metrics = ThresholdsField(read_only=True)
    preprocess = FactsField(read_only=True)
    check_facts = FactsField(read_only=True)
    checks = CheckLineSerializer(many=True, read_only=True)
    family_id = serializers.UUIDField(source="family_ref_id", read_only=True, allow_null=True)

    class Meta:
        model = ModelVersion
        fields = (
            "id", "name", "family", "task", "sha256", "licence", "source", "classes", "input_width",
            "input_height", "thresholds", "builtin", "present", "problem", "note", "first_seen_at",
            "family_id", "parent", "kind", "artifact", "status", "size_bytes", "training_data", "metrics",
            "preprocess", "preprocessing_sha256", "checks", "check_facts", "checked_at", "signature",
        )  # fmt: skip
        read_only_fields = fields


class StageSerializer(serializers.Serializer[Any]):
    """`assigned`: somebody chose the version; else it is the best that is present. Null: nothing serves."""

    stage = serializers.ChoiceField(choices=STAGES)
    version = VersionSerializer(allow_null=True)
    assigned = serializers.BooleanField()


class UploadForm(serializers.Serializer[Any]):
    """The other fields of an upload.

    `side_file` is the JSON that says how pictures are fed and answers read (docs/models.md); bytes that
    this release knows need none. `family`: be checked against its contract. `parent`: made from that one.
    """

    name = serializers.RegexField(r"^[a-z0-9][a-z0-9._-]{0,79}$", required=False, default="")
    side_file = serializers.CharField(required=False, default="", max_length=versions.MAX_SIDE_FILE)
    family = serializers.UUIDField(required=False, allow_null=True, default=None)
    parent = serializers.UUIDField(required=False, allow_null=True, default=None)  # type: ignore[assignment]
    kind = serializers.ChoiceField(choices=VersionKind.choices, default=VersionKind.FP32.value)
    licence = serializers.CharField(required=False, default="", max_length=80, allow_blank=True)
    # A field's own word of the base class.
    source = serializers.CharField(  # type: ignore[assignment]
        required=False, default="", max_length=500, allow_blank=True
    )
    training_data = serializers.CharField(required=False, default="", max_length=500, allow_blank=True)


class UploadWithFile(UploadForm):
    file = serializers.FileField()


class RetireInput(serializers.Serializer[Any]):
    reason = serializers.CharField(min_length=3, max_length=versions.MAX_REASON)


class FamilySerializer(serializers.ModelSerializer[ModelFamily]):
    classes = serializers.ListField(child=serializers.CharField(), read_only=True)
    input_contract = FactsField(read_only=True)

    class Meta:
        model = ModelFamily
        fields = (
            "id",
            "name",
            "task",
            "postprocess",
            "classes",
            "input_contract",
            "description",
            "created_at",
        )
        read_only_fields = fields


class FamilyInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    task = serializers.ChoiceField(choices=[task.value for task in FILE_TASKS])
    postprocess = serializers.CharField(max_length=40)
    classes = serializers.ListField(child=serializers.CharField(max_length=80), min_length=1, max_length=2000)
    description = serializers.CharField(required=False, default="", max_length=500, allow_blank=True)
    min_side = serializers.IntegerField(required=False, default=32, min_value=32, max_value=4096)
    max_side = serializers.IntegerField(required=False, default=4096, min_value=32, max_value=4096)


def origin_of(user: Viewer, values: dict[str, Any]) -> versions.Origin:
    """The form's words as the service wants them; ids become rows that this person may see."""
    family = selectors.family_get(user, values["family"]) if values["family"] else None
    parent = selectors.version_get(user, values["parent"]) if values["parent"] else None
    return versions.Origin(**{**values, "family": family, "parent": parent})


class VersionsView(ApiView):
    capability = {"GET": Capability.SEE_MODELS, "POST": Capability.UPLOAD_MODELS}
    required_action = {"GET": TokenAction.MODELS_READ, "POST": TokenAction.MODELS_WRITE}
    parser_classes = [UnreadForm]
    pagination_class = KeysetPagination
    keyset_ordering = ("task", "name", "pk")

    @extend_schema(operation_id="models_list", responses=VersionSerializer(many=True))
    def get(self, request: Request) -> Response:
        return page_of(self, request, selectors.versions_all(), VersionSerializer)

    @extend_schema(
        operation_id="models_upload",
        request={"multipart/form-data": UploadWithFile},
        responses={202: VersionSerializer},
    )
    def post(self, request: Request) -> Response:
        """Upload an ONNX or safetensors file. Send Content-Length.

        The answer is the ledger's row: ask for it again until `status` is no more `uploaded` or `checking`.
        Then `checks` says what was found, line by line. It can serve when it is `ready` and `present`.
        """
        user = user_of(request)
        with model_received(request.META, unread_form(request)) as received:
            values = checked(UploadForm, received.fields)
            version = versions.version_upload(
                acting_user=user, received=received, origin=origin_of(user, values)
            )
        response = Response(VersionSerializer(version).data, status=status.HTTP_202_ACCEPTED)
        response["Location"] = reverse("api:model", args=[version.pk], request=request)
        return response


class RetireView(ApiView):
    capability = Capability.UPLOAD_MODELS
    required_action = TokenAction.MODELS_WRITE

    @extend_schema(request=RetireInput, responses=VersionSerializer)
    def post(self, request: Request, version_id: UUID) -> Response:
        """Take a version out of every choice. What it found keeps its name."""
        user = user_of(request)
        reason = checked(RetireInput, request.data)["reason"]
        version = selectors.version_get(user, version_id)
        retired = versions.version_retire(acting_user=user, version=version, reason=reason)
        return Response(VersionSerializer(retired).data)


class FamiliesView(ApiView):
    capability = {"GET": Capability.SEE_MODELS, "POST": Capability.UPLOAD_MODELS}
    required_action = {"GET": TokenAction.MODELS_READ, "POST": TokenAction.MODELS_WRITE}
    pagination_class = KeysetPagination
    keyset_ordering = ("task", "name", "pk")

    @extend_schema(operation_id="model_families_list", responses=FamilySerializer(many=True))
    def get(self, request: Request) -> Response:
        return page_of(self, request, selectors.families_all(), FamilySerializer)

    @extend_schema(request=FamilyInput, responses={201: FamilySerializer})
    def post(self, request: Request) -> Response:
        """Found a family: the contract that its versions are checked against."""
        values = checked(FamilyInput, request.data)
        facts = FamilyFacts(**{**values, "classes": tuple(values["classes"])})
        family = family_create(acting_user=user_of(request), facts=facts)
        return Response(FamilySerializer(family).data, status=status.HTTP_201_CREATED)


class FamilyView(ApiView):
    capability = Capability.SEE_MODELS
    required_action = TokenAction.MODELS_READ

    @extend_schema(responses=FamilySerializer)
    def get(self, request: Request, family_id: UUID) -> Response:
        return Response(FamilySerializer(selectors.family_get(user_of(request), family_id)).data)


class StagesView(ApiView):
    capability = Capability.SEE_MODELS
    required_action = TokenAction.MODELS_READ

    @extend_schema(operation_id="stages_list", responses=StageSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Which version serves each stage now."""
        return Response(StageSerializer(selectors.stage_states(), many=True).data)
