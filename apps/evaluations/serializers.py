"""What the REST API says of evaluations and labelled sets."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.evaluations.comparing import MARGIN, RESAMPLES, SEED
from apps.evaluations.gates import gate_state
from apps.evaluations.models import Evaluation, Gate, JobKind, JobState, SetState, SetVersion, Verdict
from apps.registry.api import VersionSerializer
from apps.registry.models import ModelVersion


@extend_schema_field({"type": "object", "additionalProperties": {"type": "number"}})
class FiguresField(serializers.JSONField):
    """Figures by name."""


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ResultField(serializers.JSONField):
    """The result as the data plane wrote it (docs/model-quality.md)."""


class EvaluationSerializer(serializers.ModelSerializer[Evaluation]):
    summary = FiguresField(read_only=True)
    progress = serializers.SerializerMethodField()
    verdict = serializers.CharField(
        read_only=True, help_text="better, equal, worse or unclear; empty before it is done."
    )
    gate = serializers.CharField(
        read_only=True, help_text="Of a variant: open, passed or refused; else empty."
    )
    set_sha256 = serializers.CharField(source="set_version.sha256", default=None, read_only=True)

    class Meta:
        model = Evaluation
        fields = (
            "id", "kind", "state", "created_at", "finished_at", "candidate", "base", "set_version",
            "set_name", "set_sha256", "camera", "since", "until", "progress", "summary", "verdict", "gate",
            "made", "variant_of", "output_sha256", "error_code", "error",
        )  # fmt: skip
        read_only_fields = fields

    def get_progress(self, row: Evaluation) -> float:
        """0 to 1, as the worker says."""
        return row.portions_done / row.portions if row.portions else 0.0


class GateSerializer(serializers.Serializer[Any]):
    """The comparison with its parent that a version has to stand before it serves, and where it is."""

    gate = serializers.ChoiceField(choices=Gate.choices)
    words = serializers.CharField(help_text="What is waited for, what was lost, or who can help.")
    comparison = serializers.UUIDField(allow_null=True, help_text="The evaluation that judges or judged it.")


class VersionWithGateSerializer(VersionSerializer):
    gate = serializers.SerializerMethodField()

    class Meta(VersionSerializer.Meta):
        fields = (*VersionSerializer.Meta.fields, "gate")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(GateSerializer(allow_null=True))
    def get_gate(self, row: ModelVersion) -> Any:
        """Null: it needs none."""
        state = gate_state(row)
        if state is None:
            return None
        comparison = state.comparison.pk if state.comparison else None
        return GateSerializer({"gate": state.gate, "words": state.words, "comparison": comparison}).data


class EvaluationsQuery(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=JobKind.choices, required=False)
    state = serializers.ChoiceField(choices=JobState.choices, required=False)
    verdict = serializers.ChoiceField(choices=Verdict.choices, required=False)
    gate = serializers.ChoiceField(choices=Gate.choices, required=False)
    candidate = serializers.UUIDField(required=False)
    base = serializers.UUIDField(required=False)


class ComparisonForm(serializers.Serializer[Any]):
    candidate = serializers.UUIDField()
    base = serializers.UUIDField()
    set_version = serializers.UUIDField()
    resamples = serializers.IntegerField(default=RESAMPLES)
    seed = serializers.IntegerField(default=SEED)
    margin = serializers.FloatField(default=MARGIN)


class ReplayForm(serializers.Serializer[Any]):
    candidate = serializers.UUIDField()
    base = serializers.UUIDField()
    camera = serializers.UUIDField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()


class VariantForm(serializers.Serializer[Any]):
    version = serializers.UUIDField(help_text="The version that the variant is made from.")
    kind = serializers.CharField(max_length=20)
    calibration_set = serializers.UUIDField()
    gate_set = serializers.UUIDField(required=False, help_text="Default: the calibration set.")
    calibration = serializers.IntegerField(default=48, help_text="Pictures to calibrate on.")


class MustPassForm(serializers.Serializer[Any]):
    sha256 = serializers.CharField(max_length=64)
    must_pass = serializers.BooleanField()


class SetSerializer(serializers.ModelSerializer[SetVersion]):
    name = serializers.CharField(source="labelled_set.name", read_only=True)
    classes = serializers.ListField(child=serializers.CharField(), read_only=True)
    problems = serializers.ListField(child=serializers.CharField(), read_only=True)
    must_pass = serializers.ListField(child=serializers.CharField(), read_only=True)
    slices = FiguresField(read_only=True)

    class Meta:
        model = SetVersion
        fields = (
            "id", "name", "number", "sha256", "form", "pictures", "objects_labelled", "bytes", "classes",
            "slices", "problems", "must_pass", "placed", "replaced_by", "state", "keep_until", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class PicturesQuery(serializers.Serializer[Any]):
    search = serializers.CharField(required=False, default="", max_length=100, help_text="In name or camera.")
    marked = serializers.BooleanField(required=False, default=False, help_text="Only those that must pass.")
    start = serializers.IntegerField(
        required=False, default=0, min_value=0, help_text="How many to pass over."
    )


class SetPictureSerializer(serializers.Serializer[Any]):
    """One picture as its labels tell it; `found` counts objects by class."""

    sha256 = serializers.CharField()
    name = serializers.CharField()
    camera = serializers.CharField()
    light = serializers.CharField()
    found = FiguresField()
    must_pass = serializers.BooleanField()


class SetPicturesSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    next_start = serializers.IntegerField(allow_null=True, help_text="The `start` of the next page.")
    results = SetPictureSerializer(many=True)


class SetsQuery(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=SetState.choices, required=False)
