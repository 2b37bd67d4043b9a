"""The forms of redactions in the API."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.reverse import reverse

from apps.redactions.models import EditKind, Redaction, RedactionEdit, RedactionState, StepKind
from apps.redactions.options import TARGETS
from apps.redactions.progress import Progress
from inference_workers.contracts.lease import RedactionStyle
from inference_workers.contracts.redactions import Audio

_POINT = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_STYLES = [style.value for style in RedactionStyle]
_AUDIO = [audio.value for audio in Audio]


@extend_schema_field({"type": "array", "items": {"type": "array", "items": _POINT, "minItems": 3}})
class MasksField(serializers.JSONField):
    """Polygons, as JSON; the points are shares of width and height."""


@extend_schema_field({"type": "object", "additionalProperties": {}})
class FactsField(serializers.JSONField):
    """What the data plane says of a file or a result."""


class RedactionForm(serializers.Serializer[Any]):
    """The other fields of the upload; each has a default."""

    targets = serializers.ListField(
        child=serializers.ChoiceField(choices=TARGETS), default=["face"], min_length=1, max_length=4
    )
    style = serializers.ChoiceField(  # type: ignore[assignment]  # a field's own word
        choices=_STYLES, default=RedactionStyle.MOSAIC.value
    )
    audio = serializers.ChoiceField(choices=_AUDIO, default=Audio.DROP.value)
    masks = MasksField(required=False)
    editable = serializers.BooleanField(default=True)


class RedactionUpload(RedactionForm):
    file = serializers.FileField()


class RedactionsQuery(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=RedactionState.choices, required=False)


class ResultQuery(serializers.Serializer[Any]):
    """`download=true` names the answer as a file to keep; the record tells the two apart."""

    download = serializers.BooleanField(default=False)


class EditInput(serializers.Serializer[Any]):
    """`track_id` for drop and keep; `at_s` and `box_xyxy` for add, `from_s` and `until_s` bound it."""

    kind = serializers.ChoiceField(choices=EditKind.choices)
    track_id = serializers.CharField(required=False, max_length=64)
    at_s = serializers.FloatField(required=False, min_value=0)
    box_xyxy = serializers.ListField(
        child=serializers.FloatField(min_value=0, max_value=1), required=False, min_length=4, max_length=4
    )
    from_s = serializers.FloatField(required=False, min_value=0)
    until_s = serializers.FloatField(required=False, min_value=0)


class OptionsSerializer(serializers.Serializer[Any]):
    targets = serializers.ListField(child=serializers.CharField())
    style = serializers.CharField()  # type: ignore[assignment]
    audio = serializers.CharField()
    masks = MasksField()


class EditSerializer(serializers.ModelSerializer[RedactionEdit]):
    what = FactsField(read_only=True)

    class Meta:
        model = RedactionEdit
        fields = ("id", "number", "kind", "what", "made_at", "made_by_name", "undone_at", "undone_by_name")
        read_only_fields = fields


class ProgressSerializer(serializers.Serializer[Any]):
    """`remaining_s` is null while nothing was measured; `waiting`: no worker has a step in hand."""

    share = serializers.FloatField()
    remaining_s = serializers.FloatField(allow_null=True)
    phase = serializers.ChoiceField(choices=[*StepKind.choices, ("", "")], allow_blank=True)
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    waiting = serializers.BooleanField()


_BASE = "http://localhost:8000/api/v1/redactions/3f1d2c84-6f0e-4d7b-9a40-2f8f2c6f3a10"
_DONE = {
    "id": "3f1d2c84-6f0e-4d7b-9a40-2f8f2c6f3a10",
    "state": "done",
    "filename": "gate-0803.mp4",
    "owner": "bob",
    "created_at": "2026-11-24T08:00:00Z",
    "finished_at": "2026-11-24T08:01:12Z",
    "input_sha256": "9f2c" * 16,
    "input_bytes": 48_113_220,
    "options": {"targets": ["face"], "style": "mosaic", "audio": "drop", "masks": []},
    "film": {"media": "video", "width": 1280, "height": 720, "frames": 1800, "duration_s": 60.0},
    "progress": {"share": 1.0, "remaining_s": None, "phase": "", "done": 15, "total": 15, "waiting": False},
    "summary": {"tracks": 4, "frames": 1800, "frames_covered": 911, "partial": False},
    "partial": False,
    "revision": 0,
    "ready_revision": 0,
    "editable_until": "2026-11-25T08:01:12Z",
    "result": f"{_BASE}/result",
    "tracks": f"{_BASE}/tracks",
    "report": f"{_BASE}/report",
    "edits": [],
    "error_code": "",
    "error": "",
}


@extend_schema_serializer(examples=[OpenApiExample("Done", value=_DONE, response_only=True)])
class RedactionSerializer(serializers.Serializer[Any]):
    """One file. `result`, `tracks` and `report` are null until there is one."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=RedactionState.choices)
    filename = serializers.CharField()
    owner = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    input_sha256 = serializers.CharField()
    input_bytes = serializers.IntegerField()
    options = OptionsSerializer()
    film = FactsField()
    progress = ProgressSerializer()
    summary = FactsField()
    partial = serializers.BooleanField()  # type: ignore[assignment]  # a field's own word
    revision = serializers.IntegerField()
    ready_revision = serializers.IntegerField(allow_null=True)
    editable_until = serializers.DateTimeField(allow_null=True)
    result = serializers.CharField(allow_null=True)
    tracks = serializers.CharField(allow_null=True)
    report = serializers.CharField(allow_null=True)
    edits = EditSerializer(many=True)
    error_code = serializers.CharField()
    error = serializers.CharField()


def shown(redaction: Redaction, progress: Progress, request: Request) -> dict[str, Any]:
    """One redaction as the API tells of it."""
    summary = redaction.result.get("summary", {})
    fields = ("state", "filename", "created_at", "finished_at", "input_sha256", "input_bytes", "options",
              "film", "revision", "ready_revision", "error_code", "error")  # fmt: skip
    values = {
        **{name: getattr(redaction, name) for name in fields},
        "id": redaction.pk,
        "owner": redaction.owner.username,
        "progress": progress,
        "summary": summary,
        "partial": bool(summary.get("partial")),
        "editable_until": redaction.input_until,
        **_links(redaction, request),
        "edits": redaction.edits.all(),
    }
    return dict(RedactionSerializer(values).data)


def _links(redaction: Redaction, request: Request) -> dict[str, str | None]:
    there = {
        "result": redaction.ready_revision is not None,
        "report": redaction.ready_revision is not None,
        "tracks": redaction.tracks_revision is not None,
    }
    return {
        name: reverse(f"api:redaction-{name}", args=[redaction.pk], request=request) if exists else None
        for name, exists in there.items()
    }
