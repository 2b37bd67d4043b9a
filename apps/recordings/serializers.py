"""The forms of recordings in the API."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from apps.detections.serializers import CountsField, ServedField
from apps.recordings.models import Segment

_SEGMENT = {
    "id": "5d7c1f0e-3a44-5f0b-9a3e-0b8f6b1c2d3e",
    "camera": "7c9a4b1e-0a5e-4f3c-9a51-4d2f6f1f0a11",
    "started_at": "2026-11-24T08:00:00Z",
    "ended_at": "2026-11-24T08:00:10Z",
    "frames": 50,
    "width": 960,
    "height": 540,
    "bytes": 412345,
    "sha256": "695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14",
    "reason": "events",
    "redaction": {"tracks": 50},
    "served": {"faces": "0d4c1c52-7c7e-4a54-93b5-4d8d2d5b7e10"},
    "track_ids": [17],
}


@extend_schema_serializer(examples=[OpenApiExample("Segment", value=_SEGMENT, response_only=True)])
class SegmentSerializer(serializers.ModelSerializer[Segment]):
    """A few redacted seconds. `redaction` counts pictures by how people in them are covered."""

    camera = serializers.UUIDField(source="camera_id", read_only=True)
    redaction = CountsField(read_only=True)
    served = ServedField(read_only=True)
    track_ids = serializers.ListField(child=serializers.IntegerField(), read_only=True)

    class Meta:
        model = Segment
        fields = (
            "id", "camera", "started_at", "ended_at", "frames", "width", "height", "bytes", "sha256",
            "reason", "redaction", "served", "track_ids",
        )  # fmt: skip
        read_only_fields = fields


class SegmentQuery(serializers.Serializer[Any]):
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
