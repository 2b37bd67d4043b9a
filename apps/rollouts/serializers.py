"""Rollouts in the API: what goes in and what comes out."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from apps.registry.api import StageSerializer
from apps.registry.choice import STAGE_TASK
from apps.rollouts.guards import DEFAULT_GUARDS, SHADOW_GUARDS, Guard, Metric, Verdict
from apps.rollouts.models import GuardLook, Rollout, RolloutState, ServingEntry, Strategy
from apps.rollouts.selectors import guards_are_fresh, kept_counts
from apps.rollouts.services.plans import CANARY_STEPS

STAGES = [stage.value for stage in STAGE_TASK]
_GUARD = {"metric": "class_lost", "limit": 4.0, "min_samples": 50, "window_s": 30}
_READING = {
    "metric": "class_lost", "verdict": "breach", "value": 61.2, "limit": 4.0, "samples": 612,
    "min_samples": 50, "base": 1.92, "candidate": 0.02, "detail": "car", "breaches": 2,
}  # fmt: skip
_VERSION = {"id": "0d8f4c1b-5f55-4e0a-8b1d-0c8b7f6a5e77", "name": "picodet-s-416", "sha256": "ab" * 32}
_ROLLOUT: dict[str, Any] = {
    "id": "9a3f2f4e-3a65-4f0b-9a29-8f2d0f0c1a11",
    "stage": "detect",
    "strategy": "canary",
    "state": "running",
    "base": {**_VERSION, "name": "picodet-s-320"},
    "candidate": _VERSION,
    "steps": [1, 5, 25, 100],
    "percent": 5,
    "guards": [_GUARD],
    "verdict": "clear",
    "guards_fresh": True,
    "readings": [{**_READING, "verdict": "clear", "value": 1.1, "breaches": 0}],
    "reason": "finds more bicycles",
    "question": "",
    "sample_size": None,
    "created_at": "2026-11-24T08:00:00Z",
    "started_at": "2026-11-24T08:01:00Z",
    "ended_at": None,
    "end_reason": "",
    "version": 3,
}
_PLAN: dict[str, Any] = {
    "stage": "detect",
    "candidate": _VERSION["id"],
    "strategy": "canary",
    "reason": "finds more bicycles",
    "steps": [1, 5, 25, 100],
    "guards": [_GUARD],
}


class GuardSerializer(serializers.Serializer[Any]):
    """`limit` is the largest value that is still good; docs/rollouts.md says what each metric is."""

    metric = serializers.ChoiceField(choices=[metric.value for metric in Metric])
    limit = serializers.FloatField()
    min_samples = serializers.IntegerField()
    window_s = serializers.IntegerField()


class ReadingSerializer(GuardSerializer):
    """One look of one guard."""

    window_s = None  # type: ignore[assignment]
    verdict = serializers.ChoiceField(choices=[verdict.value for verdict in Verdict])
    value = serializers.FloatField(allow_null=True)
    samples = serializers.IntegerField()
    base = serializers.FloatField(allow_null=True)
    candidate = serializers.FloatField(allow_null=True)
    detail = serializers.CharField(allow_blank=True)
    breaches = serializers.IntegerField()


class NamedVersionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    sha256 = serializers.CharField()


@extend_schema_serializer(examples=[OpenApiExample("A canary", value=_ROLLOUT, response_only=True)])
class RolloutSerializer(serializers.ModelSerializer[Rollout]):
    """`version` counts changes by people; every change sends it along."""

    base = NamedVersionSerializer(read_only=True)
    candidate = NamedVersionSerializer(read_only=True)
    steps = serializers.ListField(child=serializers.IntegerField(), read_only=True)
    guards = GuardSerializer(many=True, read_only=True)
    readings = ReadingSerializer(many=True, read_only=True)
    guards_fresh = serializers.SerializerMethodField()

    class Meta:
        model = Rollout
        fields = tuple(_ROLLOUT)
        read_only_fields = fields

    def get_guards_fresh(self, row: Rollout) -> bool:
        return guards_are_fresh(row)


class StageField(serializers.ChoiceField):
    """The service refuses what is no stage: its words say which there are, and what a classifier is for."""

    def to_internal_value(self, data: Any) -> str:
        return str(data)[:40]


@extend_schema_serializer(examples=[OpenApiExample("A canary", value=_PLAN, request_only=True)])
class PlanInput(serializers.Serializer[Any]):
    """`sites`, `groups` and `cameras` narrow it; none of them: every camera. Guards: the strategy's own."""

    stage = StageField(choices=STAGES)
    candidate = serializers.UUIDField()
    strategy = serializers.ChoiceField(choices=Strategy.choices)
    reason = serializers.CharField(max_length=500)
    steps = serializers.ListField(child=serializers.IntegerField(), default=list(CANARY_STEPS), max_length=20)
    guards = GuardSerializer(many=True, required=False)
    sites = serializers.ListField(child=serializers.UUIDField(), default=list, max_length=1000)
    groups = serializers.ListField(child=serializers.UUIDField(), default=list, max_length=1000)
    cameras = serializers.ListField(child=serializers.UUIDField(), default=list, max_length=10_000)
    pinned = serializers.ListField(child=serializers.UUIDField(), default=list, max_length=10_000)
    excluded = serializers.ListField(child=serializers.UUIDField(), default=list, max_length=10_000)
    question = serializers.CharField(max_length=300, default="", allow_blank=True)
    share = serializers.FloatField(default=0.1, help_text="A/B: the share of wrong events that is expected.")
    difference = serializers.FloatField(default=0.05, help_text="A/B: the difference that has to show.")
    override = serializers.CharField(max_length=500, default="", allow_blank=True)


def guards_given(strategy: str, given: list[dict[str, Any]] | None) -> tuple[Guard, ...]:
    """The guards of a body; none: those that the strategy has by itself."""
    if given is None:
        return SHADOW_GUARDS if strategy == Strategy.SHADOW else DEFAULT_GUARDS
    return tuple(Guard(**{**row, "metric": Metric(row["metric"])}) for row in given)


class StageInput(serializers.Serializer[Any]):
    version = serializers.UUIDField(
        allow_null=True, help_text="Null: the version that Vidette would choose by itself."
    )
    reason = serializers.CharField(
        max_length=500, default="", allow_blank=True, help_text="Needed where a second person is asked."
    )
    override = serializers.CharField(
        max_length=500, default="", allow_blank=True, help_text="Why, where the comparison says worse."
    )


class StageAnswerSerializer(StageSerializer):
    """`waiting`: the rollout that a second person approves or declines; until then nothing changes."""

    waiting = serializers.UUIDField(allow_null=True)


class VersionInput(serializers.Serializer[Any]):
    version = serializers.IntegerField(help_text="The version of the rollout that was looked at.")


class ReasonInput(VersionInput):
    reason = serializers.CharField(max_length=500)


class ReturnInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class LookSerializer(serializers.ModelSerializer[GuardLook]):
    readings = ReadingSerializer(many=True, read_only=True)

    class Meta:
        model = GuardLook
        fields = ("at", "verdict", "percent", "cameras", "readings")
        read_only_fields = fields


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string", "nullable": True}})
class StagesField(serializers.JSONField):
    """By stage the id of the version; null where Vidette chooses."""


class EntrySerializer(serializers.ModelSerializer[ServingEntry]):
    """`stages` is what was assigned from `at` on; `own` counts cameras with a version of their own, `zones`
    detectors of zones, `cascades` classifiers of cascades. Null: not kept then, so going back leaves them.
    """

    stages = serializers.SerializerMethodField()
    own = serializers.SerializerMethodField()
    zones = serializers.SerializerMethodField()
    cascades = serializers.SerializerMethodField()

    class Meta:
        model = ServingEntry
        fields = ("number", "at", "action", "actor_name", "stages", "own", "zones", "cascades")
        read_only_fields = fields

    @extend_schema_field(StagesField)
    def get_stages(self, row: ServingEntry) -> dict[str, str | None]:
        return dict(row.contents["stages"])

    def get_own(self, row: ServingEntry) -> int:
        return sum(len(cameras) for cameras in row.contents["cameras"].values())

    def get_zones(self, row: ServingEntry) -> int | None:
        return kept_counts(row)[0]

    def get_cascades(self, row: ServingEntry) -> int | None:
        return kept_counts(row)[1]


class BoardRowSerializer(serializers.Serializer[Any]):
    """`proved` of the cameras that it serves sent results with its hash in the last 30 seconds."""

    stage = serializers.ChoiceField(choices=STAGES)
    version = NamedVersionSerializer()
    serves = serializers.IntegerField()
    looks_on = serializers.IntegerField()
    proved = serializers.IntegerField()
    health = serializers.ChoiceField(choices=["proved", "partly", "silent", "looking"])
    cameras = serializers.ListField(child=serializers.UUIDField())
    rollout = serializers.UUIDField(allow_null=True)


class StepReportSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    at = serializers.DateTimeField()
    action = serializers.CharField()
    state = serializers.ChoiceField(choices=RolloutState.choices)
    percent = serializers.IntegerField()
    by = serializers.CharField()


@extend_schema_field({"type": "object", "additionalProperties": True})
class FactsField(serializers.JSONField):
    """Plain facts."""


class ReportSerializer(serializers.Serializer[Any]):
    """`salt` lets anybody compute which cameras each step reached: SHA-256 of "salt:camera id"."""

    id = serializers.UUIDField()
    stage = serializers.ChoiceField(choices=STAGES)
    strategy = serializers.ChoiceField(choices=Strategy.choices)
    state = serializers.ChoiceField(choices=RolloutState.choices)
    reason = serializers.CharField()
    override = serializers.CharField()
    base = NamedVersionSerializer()
    candidate = NamedVersionSerializer()
    members = serializers.IntegerField()
    steps = serializers.ListField(child=serializers.IntegerField())
    guards = GuardSerializer(many=True)
    readings = ReadingSerializer(many=True)
    salt = serializers.CharField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.CharField()
    ended_by = FactsField()
    answer = FactsField(allow_null=True)
    history = StepReportSerializer(many=True)
    proofs = FactsField()
