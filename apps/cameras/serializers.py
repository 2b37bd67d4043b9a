"""The forms of sites, groups, cameras and zones in the API. Meaning is checked by the services."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from apps.cameras.models import (
    MAX_DISPLAY_DELAY_S,
    MIN_DISPLAY_DELAY_S,
    Camera,
    CameraGroup,
    RedactionStyle,
    RedactionTarget,
    Script,
    Site,
    SourceKind,
    Zone,
    ZoneKind,
    ZoneTarget,
)
from inference_workers.contracts.probe import ProbeStep

TRANSPORTS = [("tcp", "TCP"), ("udp", "UDP")]
POINTS = {
    "type": "array",
    "minItems": 3,
    "maxItems": 64,
    "items": {
        "type": "array",
        "minItems": 2,
        "maxItems": 2,
        "items": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "example": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]],
}


@extend_schema_field(POINTS)
class PolygonField(serializers.JSONField):
    """Points as shares of the picture's width and height."""


class SiteSerializer(serializers.ModelSerializer[Site]):
    allowed_networks = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Site
        fields = ("id", "name", "time_zone", "allowed_networks", "version")
        read_only_fields = fields


class SiteInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    time_zone = serializers.CharField(max_length=64, default="UTC")
    allowed_networks = serializers.ListField(
        child=serializers.CharField(max_length=64), max_length=64, default=list
    )


class SiteChange(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    name = serializers.CharField(max_length=120, required=False)
    time_zone = serializers.CharField(max_length=64, required=False)
    allowed_networks = serializers.ListField(
        child=serializers.CharField(max_length=64), max_length=64, required=False
    )


class GroupSerializer(serializers.ModelSerializer[CameraGroup]):
    site = serializers.UUIDField(source="site_id", read_only=True)

    class Meta:
        model = CameraGroup
        fields = ("id", "site", "name", "version")
        read_only_fields = fields


class GroupInput(serializers.Serializer[Any]):
    site = serializers.UUIDField()
    name = serializers.CharField(max_length=120)


class GroupChange(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    name = serializers.CharField(max_length=120)


class GroupMembers(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    cameras = serializers.ListField(child=serializers.UUIDField(), max_length=1000)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A camera",
            value={
                "id": "7c9a4b1e-0a5e-4f3c-9a51-4d2f6f1f0a11",
                "site": "0d8f4c1b-5f55-4e0a-8b1d-0c8b7f6a5e21",
                "name": "Lobby",
                "kind": "rtsp",
                "url": "rtsp://10.20.0.7:554/stream1",
                "has_credentials": True,
                "transport": "tcp",
                "loop": True,
                "realtime": True,
                "time_zone": "Europe/Helsinki",
                "tags": ["entrance"],
                "enabled": True,
                "detect_objects": True,
                "read_text": False,
                "script": "latin",
                "redaction_target": "faces",
                "redact_text": False,
                "redaction_style": "mosaic",
                "display_delay_s": 0.9,
                "analysis_fps": 5.0,
                "display_fps": 10.0,
                "plan_x": 0.25,
                "plan_y": 0.5,
                "created_at": "2026-11-24T08:00:00Z",
                "version": 3,
            },
            response_only=True,
        )
    ]
)
class CameraSerializer(serializers.ModelSerializer[Camera]):
    site = serializers.UUIDField(source="site_id", read_only=True)
    time_zone = serializers.CharField(source="zone_name", read_only=True)
    tags = serializers.ListField(child=serializers.CharField(), read_only=True)
    has_credentials = serializers.BooleanField(read_only=True)

    class Meta:
        model = Camera
        fields = (
            "id", "site", "name", "kind", "url", "has_credentials", "transport", "loop", "realtime",
            "time_zone", "tags", "enabled", "detect_objects", "read_text", "script", "redaction_target",
            "redact_text", "redaction_style", "display_delay_s", "analysis_fps", "display_fps", "plan_x",
            "plan_y", "created_at", "version",
        )  # fmt: skip
        read_only_fields = fields


class CameraSettings(serializers.Serializer[Any]):
    """What may be set when a camera is added and changed later."""

    transport = serializers.ChoiceField(choices=TRANSPORTS, required=False)
    loop = serializers.BooleanField(required=False)
    realtime = serializers.BooleanField(required=False)
    time_zone = serializers.CharField(max_length=64, required=False, allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=40), max_length=32, required=False)
    detect_objects = serializers.BooleanField(required=False)
    read_text = serializers.BooleanField(required=False)
    script = serializers.ChoiceField(choices=Script.choices, required=False)
    redaction_target = serializers.ChoiceField(choices=RedactionTarget.choices, required=False)
    redact_text = serializers.BooleanField(required=False, help_text="Also cover text: plates, badges.")
    redaction_style = serializers.ChoiceField(choices=RedactionStyle.choices, required=False)
    display_delay_s = serializers.FloatField(
        min_value=MIN_DISPLAY_DELAY_S,
        max_value=MAX_DISPLAY_DELAY_S,
        required=False,
        help_text="How far live pictures run behind; a face also covers the pictures of that time before it.",
    )
    analysis_fps = serializers.FloatField(min_value=0.2, max_value=30.0, required=False)
    display_fps = serializers.FloatField(min_value=1.0, max_value=30.0, required=False)
    plan_x = serializers.FloatField(min_value=0.0, max_value=1.0, required=False, allow_null=True)
    plan_y = serializers.FloatField(min_value=0.0, max_value=1.0, required=False, allow_null=True)


class CameraInput(CameraSettings):
    site = serializers.UUIDField()
    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=SourceKind.choices)
    url = serializers.CharField(max_length=500)
    username = serializers.CharField(
        max_length=256, required=False, allow_blank=True, write_only=True, trim_whitespace=False
    )
    password = serializers.CharField(
        max_length=256, required=False, allow_blank=True, write_only=True, trim_whitespace=False
    )


class CameraChange(CameraSettings):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    name = serializers.CharField(max_length=120, required=False)
    kind = serializers.ChoiceField(choices=SourceKind.choices, required=False)
    url = serializers.CharField(max_length=500, required=False)


class VersionInput(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class VersionQuery(serializers.Serializer[Any]):
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, help_text="The version that was read; another one is a conflict."
    )


class CredentialsInput(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    username = serializers.CharField(max_length=256, allow_blank=True, trim_whitespace=False)
    password = serializers.CharField(max_length=256, allow_blank=True, trim_whitespace=False, write_only=True)


class ZoneSerializer(serializers.ModelSerializer[Zone]):
    polygon = PolygonField(read_only=True)

    class Meta:
        model = Zone
        fields = (
            "id", "name", "kind", "polygon", "script", "redaction_target", "redact_text", "version",
        )  # fmt: skip
        read_only_fields = fields


class ZoneInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=ZoneKind.choices)
    polygon = PolygonField()
    script = serializers.ChoiceField(choices=Script.choices, required=False, allow_blank=True, default="")
    redaction_target = serializers.ChoiceField(
        choices=ZoneTarget.choices,
        required=False,
        allow_blank=True,
        default="",
        help_text="What is covered here beyond the camera's own setting; the strictest counts.",
    )
    redact_text = serializers.BooleanField(required=False, default=False)


class ZoneChange(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    name = serializers.CharField(max_length=80, required=False)
    kind = serializers.ChoiceField(choices=ZoneKind.choices, required=False)
    polygon = PolygonField(required=False)
    script = serializers.ChoiceField(choices=Script.choices, required=False, allow_blank=True)
    redaction_target = serializers.ChoiceField(choices=ZoneTarget.choices, required=False, allow_blank=True)
    redact_text = serializers.BooleanField(required=False)


class CameraQuery(serializers.Serializer[Any]):
    site = serializers.UUIDField(required=False)
    group = serializers.UUIDField(required=False)
    enabled = serializers.BooleanField(required=False, allow_null=True, default=None)


class ProbeInput(serializers.Serializer[Any]):
    site = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=SourceKind.choices)
    url = serializers.CharField(max_length=500)
    transport = serializers.ChoiceField(choices=TRANSPORTS, default="tcp")
    username = serializers.CharField(
        max_length=256, required=False, allow_blank=True, write_only=True, trim_whitespace=False
    )
    password = serializers.CharField(
        max_length=256, required=False, allow_blank=True, write_only=True, trim_whitespace=False
    )
    camera = serializers.UUIDField(
        required=False, help_text="An existing camera whose stored credentials serve, on the same host."
    )


class ProbeStepSerializer(serializers.Serializer[Any]):
    step = serializers.ChoiceField(choices=[step.value for step in ProbeStep], allow_null=True)
    status = serializers.ChoiceField(choices=["ok", "failed", "skipped", "done"])
    code = serializers.CharField()
    detail = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    fps = serializers.FloatField()
    codec = serializers.CharField()
    clock_offset_s = serializers.FloatField(allow_null=True)


class ProbeSerializer(serializers.Serializer[Any]):
    probe_id = serializers.CharField()
    finished = serializers.BooleanField()
    timed_out = serializers.BooleanField()
    succeeded = serializers.BooleanField()
    outcomes = ProbeStepSerializer(many=True)


class ProbeStarted(serializers.Serializer[Any]):
    probe_id = serializers.CharField()
