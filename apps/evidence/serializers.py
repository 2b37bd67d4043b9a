"""The forms of evidence packs in the API."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.reverse import reverse

from apps.evidence.models import EvidencePack, PackState

COUNTS = ("segments", "events", "redactions", "records")
_BASE = "http://localhost:8000/api/v1/evidence/3f1d2c84-6f0e-4d7b-9a40-2f8f2c6f3a10"
_READY = {
    "id": "3f1d2c84-6f0e-4d7b-9a40-2f8f2c6f3a10",
    "state": "done",
    "camera": "7c9a4b1e-0a5e-4f3c-9a51-4d2f6f1f0a11",
    "since": "2026-11-24T08:00:00Z",
    "until": "2026-11-24T08:05:00Z",
    "event": None,
    "purpose": "incident investigation",
    "case": "2026/17",
    "reason": "theft at the door",
    "requested_by": "bob",
    "created_at": "2026-11-24T09:00:00Z",
    "finished_at": "2026-11-24T09:00:06Z",
    "bytes": 14_113_220,
    "sha256": "9f2c" * 16,
    "manifest_sha256": "0b7a" * 16,
    "key_id": "d3484c800d79ac2c",
    "counts": {"segments": 31, "events": 4, "redactions": 0, "records": 12},
    "file": f"{_BASE}/file",
    "error_code": "",
    "error": "",
}


MOST_CHOSEN = 1000


class ItemsInput(serializers.Serializer[Any]):
    """Single recordings, events and redacted files by id, instead of everything of the span."""

    segments = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=MOST_CHOSEN)
    events = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=MOST_CHOSEN)
    redactions = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=MOST_CHOSEN)


class PackInput(serializers.Serializer[Any]):
    """A camera and a span, or an event: then the time around it, unless a span is given."""

    camera = serializers.UUIDField(required=False)
    event = serializers.UUIDField(required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    case = serializers.CharField(max_length=80)
    reason = serializers.CharField(max_length=500)
    items = ItemsInput(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("event"):
            missing = [name for name in ("camera", "since", "until") if not attrs.get(name)]
            if missing:
                raise serializers.ValidationError(
                    dict.fromkeys(missing, "This field is required, or `event`.")
                )
        return attrs


class PackQuery(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=PackState.choices, required=False)
    case = serializers.CharField(required=False, max_length=80)


class CountsSerializer(serializers.Serializer[Any]):
    segments = serializers.IntegerField()
    events = serializers.IntegerField()
    redactions = serializers.IntegerField()
    records = serializers.IntegerField()


@extend_schema_serializer(examples=[OpenApiExample("Ready", value=_READY, response_only=True)])
class PackSerializer(serializers.Serializer[Any]):
    """One pack. `counts` and `file` are null until it is ready."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=PackState.choices)
    camera = serializers.UUIDField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    event = serializers.UUIDField(allow_null=True)
    purpose = serializers.CharField()
    case = serializers.CharField()
    reason = serializers.CharField()
    requested_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField(allow_blank=True)
    manifest_sha256 = serializers.CharField(allow_blank=True)
    key_id = serializers.CharField(allow_blank=True)
    counts = CountsSerializer(allow_null=True)
    file = serializers.CharField(allow_null=True)
    error_code = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)


def shown(pack: EvidencePack, request: Request) -> dict[str, Any]:
    """One pack as the API tells of it."""
    fields = ("state", "since", "until", "purpose", "case", "reason", "created_at", "finished_at", "bytes",
              "sha256", "error_code", "error")  # fmt: skip
    ready = pack.state == PackState.DONE
    values = {
        **{name: getattr(pack, name) for name in fields},
        "id": pack.pk,
        "camera": pack.camera_id,
        "event": pack.event_id,
        "requested_by": pack.requested_by_name,
        "manifest_sha256": pack.facts.get("manifest_sha256", ""),
        "key_id": pack.facts.get("key_id", ""),
        "counts": {name: pack.facts[name] for name in COUNTS} if ready else None,
        "file": reverse("api:evidence-file", args=[pack.pk], request=request) if ready else None,
    }
    return dict(PackSerializer(values).data)
