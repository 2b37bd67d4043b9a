"""The forms of events, readings, states and accounting in the API."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from apps.cameras.models import Script
from apps.detections.models import CameraRuntime, ColourName, Event, EventFlag, EventStatus, Reading
from inference_workers.contracts.results import CameraState

_NUMBERS = {"type": "array", "items": {"type": "number"}}
_COUNTS = {"type": "object", "additionalProperties": {"type": "integer"}}


@extend_schema_field({**_NUMBERS, "minItems": 4, "maxItems": 4, "example": [0.1, 0.2, 0.3, 0.6]})
class BoxField(serializers.JSONField):
    """Left, top, right, bottom as shares of the picture."""


@extend_schema_field({"type": "array", "items": {**_NUMBERS, "minItems": 3, "maxItems": 3}})
class PathField(serializers.JSONField):
    """Points (seconds since first seen, x, y) of the box's centre."""


@extend_schema_field(_COUNTS)
class CountsField(serializers.JSONField):
    """A number per reason."""


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class ServedField(serializers.JSONField):
    """The hash of the model that serves each stage."""


class WaitingField(serializers.JSONField):
    """By stage why the version that is to serve does not answer yet; the one before it goes on meanwhile."""


class AttributeSerializer(serializers.Serializer[Any]):
    """What a classifier said about the crops of an event: of `looks` answers the most frequent."""

    cascade = serializers.UUIDField()
    name = serializers.CharField(help_text="What the cascade calls it.")
    value = serializers.CharField()
    confidence = serializers.FloatField(help_text="Of the surest crop.")
    looks = serializers.IntegerField()
    model_name = serializers.CharField()
    model_sha256 = serializers.CharField()


class ReadingSerializer(serializers.ModelSerializer[Reading]):
    camera = serializers.UUIDField(source="camera_id", read_only=True)
    event = serializers.UUIDField(source="event_id", read_only=True, allow_null=True)
    zone = serializers.UUIDField(source="zone_id", read_only=True, allow_null=True)
    box_xyxy = BoxField(read_only=True)
    has_snapshot = serializers.SerializerMethodField()

    class Meta:
        model = Reading
        fields = (
            "id", "camera", "event", "zone", "read_at", "text", "script", "confidence", "box_xyxy",
            "model_name", "model_sha256", "has_snapshot",
        )  # fmt: skip
        read_only_fields = fields

    def get_has_snapshot(self, reading: Reading) -> bool:
        return bool(reading.snapshot_key)


class FlagSerializer(serializers.ModelSerializer[EventFlag]):
    class Meta:
        model = EventFlag
        fields = ("id", "reason", "comment", "flagged_by_name", "flagged_at")
        read_only_fields = fields


_EVENT = {
    "id": "f7f2a3f0-5a66-4a0e-9d2a-6a4b1a2f3c4d",
    "camera": "7c9a4b1e-0a5e-4f3c-9a51-4d2f6f1f0a11",
    "label": "person",
    "confidence": 0.91,
    "first_seen_at": "2026-11-24T08:00:00Z",
    "last_seen_at": "2026-11-24T08:00:07Z",
    "ended": True,
    "box_xyxy": [0.1, 0.2, 0.2, 0.6],
    "zones": ["0b9b1fa0-1f0e-4f0a-8b6e-2b1a0f9e8d7c"],
    "model_name": "yolox-nano",
    "model_sha256": "695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14",
    "attributes": [
        {
            "cascade": "3c1f0c9a-6d1b-4b52-8f0e-2f5f3f1f7a55",
            "name": "helmet",
            "value": "worn",
            "confidence": 0.94,
            "looks": 2,
            "model_name": "helmets-1",
            "model_sha256": "0f343b0931126a20f133d67c2b018a3b5a3a2f6e2f2f5f6f2b1cb3f0a6e0a1b2",
        }
    ],
    "has_snapshot": True,
    "redaction": "tracks",
    "upper_colour": "red",
    "lower_colour": "black",
    "status": "new",
    "version": 1,
}


@extend_schema_serializer(examples=[OpenApiExample("An event", value=_EVENT, response_only=True)])
class EventSerializer(serializers.ModelSerializer[Event]):
    camera = serializers.UUIDField(source="camera_id", read_only=True)
    zones: Any = serializers.PrimaryKeyRelatedField(many=True, read_only=True)
    box_xyxy = BoxField(read_only=True)
    has_snapshot = serializers.SerializerMethodField()
    redaction = serializers.CharField(source="snapshot_redaction", read_only=True)
    upper_colour = serializers.CharField(read_only=True, help_text="A basic colour term, or empty: a guess.")
    lower_colour = serializers.CharField(read_only=True)
    attributes = AttributeSerializer(many=True, read_only=True)

    class Meta:
        model = Event
        fields: tuple[str, ...] = (
            "id", "camera", "label", "confidence", "first_seen_at", "last_seen_at", "ended", "box_xyxy",
            "zones", "model_name", "model_sha256", "attributes", "has_snapshot", "redaction", "upper_colour",
            "lower_colour", "status", "version",
        )  # fmt: skip
        read_only_fields = fields

    def get_has_snapshot(self, event: Event) -> bool:
        return bool(event.snapshot_key)


class EventDetailSerializer(EventSerializer):
    path = PathField(read_only=True)
    readings = ReadingSerializer(many=True, read_only=True)
    flags = FlagSerializer(many=True, read_only=True)

    class Meta(EventSerializer.Meta):
        fields = (*EventSerializer.Meta.fields, "lease_id", "path", "readings", "flags")
        read_only_fields = fields


class _SpanQuery(serializers.Serializer[Any]):
    camera = serializers.UUIDField(required=False)
    site = serializers.UUIDField(required=False)
    zone = serializers.UUIDField(required=False)
    since = serializers.DateTimeField(required=False, help_text="From this moment on.")
    until = serializers.DateTimeField(required=False, help_text="Before this moment.")
    text = serializers.CharField(
        required=False, max_length=200, help_text="Letters that look alike in other scripts match too."
    )


class EventQuery(_SpanQuery):
    label = serializers.CharField(required=False, max_length=60)  # type: ignore[assignment]  # a field's own label
    status = serializers.ChoiceField(choices=EventStatus.choices, required=False)
    upper = serializers.ChoiceField(
        choices=ColourName.choices, required=False, help_text="Clothing of the upper body: a guess."
    )
    lower = serializers.ChoiceField(choices=ColourName.choices, required=False)


class ReadingQuery(_SpanQuery):
    script = serializers.ChoiceField(choices=Script.choices, required=False)


class StatusInput(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    status = serializers.ChoiceField(choices=EventStatus.choices)


class FlagInput(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(choices=EventFlag.Reason.choices)
    comment = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class AccountingSerializer(serializers.Serializer[Any]):
    """captured = analysed + sum of skipped + sum of lost + in_flight."""

    captured = serializers.IntegerField()
    analysed = serializers.IntegerField()
    skipped = CountsField()
    lost = CountsField()
    in_flight = serializers.IntegerField()
    balances = serializers.BooleanField()
    since = serializers.DateTimeField(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)


class StateSerializer(serializers.ModelSerializer[CameraRuntime]):
    camera = serializers.UUIDField(source="camera_id", read_only=True)
    state = serializers.ChoiceField(choices=[state.value for state in CameraState], read_only=True)
    silent = serializers.BooleanField(
        source="is_silent", read_only=True,
        help_text="Nobody has reported for 20 s: `state` is of the time `at` and says nothing about now.",
    )  # fmt: skip
    served = ServedField(read_only=True)
    waiting = WaitingField(read_only=True)

    class Meta:
        model = CameraRuntime
        fields = (
            "camera", "state", "silent", "since", "at", "code", "detail", "retry_in_s", "fps", "width",
            "height", "codec", "clock_offset_s", "last_frame_at", "served", "waiting", "lease_revision",
            "withheld",
        )  # fmt: skip
        read_only_fields = fields


class StreamSerializer(serializers.Serializer[Any]):
    """The state of a camera's stream, null before its first report, and the accounting of its frames."""

    state = StateSerializer(allow_null=True)
    accounting = AccountingSerializer()


class FeedSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    kind = serializers.CharField()
    camera = serializers.UUIDField(source="camera_id")
    event = serializers.UUIDField(source="event_id", allow_null=True)
    at = serializers.DateTimeField()


class FeedQuery(serializers.Serializer[Any]):
    after = serializers.IntegerField(min_value=0, max_value=2**53, default=0)


class FeedPage(serializers.Serializer[Any]):
    """`head`: the newest number of all; numbers in between belong to cameras that are not open to you."""

    head = serializers.IntegerField()
    entries = FeedSerializer(many=True)
