"""The forms of the register and of consents in the API. Meaning is checked by the services."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from apps.consent.basis import Basis, Verdict
from apps.consent.hours import DAYS
from apps.consent.models import Consent, GivenHow, LawfulBasis, Purpose, PurposeStage, PurposeVersion

MOST_VERSION = 2**31 - 1
_SPANS = {
    "type": "array",
    "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string", "example": "08:00"}},
}
HOURS = {
    "type": "object",
    "properties": dict.fromkeys(DAYS, _SPANS),
    "additionalProperties": False,
    "example": {"mon": [["08:00", "12:00"], ["13:00", "18:00"]]},
}


@extend_schema_field(HOURS)
class HoursField(serializers.JSONField):
    """Spans per weekday in the camera's time zone; empty means always."""


class StagesField(serializers.ListField):
    child = serializers.ChoiceField(choices=PurposeStage.choices)


_PURPOSE: dict[str, Any] = {
    "id": "4f6c1f0e-7a5e-4f3c-9a51-4d2f6f1f0b22",
    "camera": "7c9a4b1e-0a5e-4f3c-9a51-4d2f6f1f0a11",
    "camera_name": "Lobby",
    "zone": None,
    "zone_name": "",
    "purpose": "Safety of the entrance",
    "lawful_basis": "legitimate_interests",
    "interest": "Protection of staff and goods",
    "controller": "Example Ltd",
    "controller_contact": "privacy@example.org",
    "dpia_reference": "DPIA-2026-4",
    "retention_class": "standard",
    "stages": ["view", "detect"],
    "opening_hours": {"mon": [["08:00", "18:00"]]},
    "valid_from": "2026-11-24T08:00:00Z",
    "valid_until": None,
    "subjects": [],
    "origin": "register",
    "ended_at": None,
    "version": 1,
    "state": "in_force",
    "allowed_now": ["view", "detect"],
}


@extend_schema_serializer(examples=[OpenApiExample("An entry", value=_PURPOSE, response_only=True)])
class PurposeSerializer(serializers.ModelSerializer[Purpose]):
    """`state` and `allowed_now` say what the entry allows at this moment, and why not more."""

    camera = serializers.UUIDField(source="camera_id", read_only=True, allow_null=True)
    zone = serializers.UUIDField(source="zone_uuid", read_only=True, allow_null=True)
    stages = StagesField(read_only=True)
    opening_hours = HoursField(read_only=True)
    subjects = serializers.SlugRelatedField(slug_field="reference", many=True, read_only=True)  # type: ignore[var-annotated]
    state = serializers.SerializerMethodField()
    allowed_now = serializers.SerializerMethodField()

    class Meta:
        model = Purpose
        fields = tuple(_PURPOSE)
        read_only_fields = fields

    def _verdict(self, row: Purpose) -> Verdict:
        verdict: Verdict = self.context["verdicts"][row.pk]
        return verdict

    def get_state(self, row: Purpose) -> str:
        return self._verdict(row).code

    @extend_schema_field(StagesField())
    def get_allowed_now(self, row: Purpose) -> list[str]:
        stages = self._verdict(row).stages
        return [stage for stage in PurposeStage.values if stage in stages]


class PurposeFields(serializers.Serializer[Any]):
    interest = serializers.CharField(max_length=300, required=False, allow_blank=True)
    dpia_reference = serializers.CharField(max_length=120, required=False, allow_blank=True)
    retention_class = serializers.CharField(max_length=40, required=False)
    opening_hours = HoursField(required=False)
    valid_from = serializers.DateTimeField(required=False)
    valid_until = serializers.DateTimeField(required=False, allow_null=True)
    subjects = serializers.ListField(
        child=serializers.CharField(max_length=40), max_length=200, required=False
    )


class PurposeInput(PurposeFields):
    camera = serializers.UUIDField()
    zone = serializers.UUIDField(required=False, allow_null=True)
    purpose = serializers.CharField(max_length=300)
    lawful_basis = serializers.ChoiceField(choices=LawfulBasis.choices)
    controller = serializers.CharField(max_length=200)
    controller_contact = serializers.CharField(max_length=200)
    stages = StagesField(min_length=1)


class PurposeChange(PurposeFields):
    version = serializers.IntegerField(min_value=1, max_value=MOST_VERSION)
    purpose = serializers.CharField(max_length=300, required=False)
    lawful_basis = serializers.ChoiceField(choices=LawfulBasis.choices, required=False)
    controller = serializers.CharField(max_length=200, required=False)
    controller_contact = serializers.CharField(max_length=200, required=False)
    stages = StagesField(min_length=1, required=False)


class EndInput(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1, max_value=MOST_VERSION)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class PurposeQuery(serializers.Serializer[Any]):
    camera = serializers.UUIDField(required=False)
    ended = serializers.BooleanField(required=False, allow_null=True, default=None)


class PurposeVersionSerializer(serializers.ModelSerializer[PurposeVersion]):
    contents = serializers.JSONField(read_only=True)

    class Meta:
        model = PurposeVersion
        fields = ("number", "at", "by_name", "contents")
        read_only_fields = fields


class EntryInForce(serializers.ModelSerializer[Purpose]):
    """What everybody who sees a camera is told of its purposes: no persons."""

    stages = StagesField(read_only=True)

    class Meta:
        model = Purpose
        fields = ("id", "purpose", "lawful_basis", "interest", "controller", "controller_contact", "stages",
                  "zone_name", "valid_until", "origin")  # fmt: skip
        read_only_fields = fields


class BasisSerializer(serializers.Serializer[Any]):
    """What may be done with a camera now; `code` says why when nothing streams."""

    camera = serializers.UUIDField()
    streams = serializers.BooleanField()
    code = serializers.CharField()
    stages = StagesField()
    entries = EntryInForce(many=True)


def basis_shown(camera_id: Any, basis: Basis) -> dict[str, Any]:
    values = {
        "camera": camera_id,
        "streams": basis.streams,
        "code": basis.code,
        "stages": [stage for stage in PurposeStage.values if stage in basis.stages],
        "entries": basis.entries,
    }
    return dict(BasisSerializer(values).data)


_CONSENT: dict[str, Any] = {
    "id": "5b1d2c84-6f0e-4d7b-9a40-2f8f2c6f3a55",
    "subject": "S-7KQ2M4XD",
    "cameras": ["7c9a4b1e-0a5e-4f3c-9a51-4d2f6f1f0a11"],
    "groups": [],
    "purposes": [],
    "stages": ["view", "detect"],
    "notice_version": "2026-1",
    "notice_sha256": "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
    "language": "en",
    "given_at": "2026-11-24T08:00:00Z",
    "given_how": "written",
    "given_to": "reception desk",
    "expires_at": None,
    "withdrawn_at": None,
    "withdrawal_note": "",
    "evidence_sha256": "",
    "recorded_by_name": "bob",
    "version": 1,
}


@extend_schema_serializer(examples=[OpenApiExample("A consent", value=_CONSENT, response_only=True)])
class ConsentSerializer(serializers.ModelSerializer[Consent]):
    """`subject` is a made-up reference; how to reach the person is asked for apart, on record."""

    subject = serializers.CharField(source="subject.reference", read_only=True)
    cameras = serializers.PrimaryKeyRelatedField(many=True, read_only=True)  # type: ignore[var-annotated]
    groups = serializers.PrimaryKeyRelatedField(many=True, read_only=True)  # type: ignore[var-annotated]
    purposes = serializers.PrimaryKeyRelatedField(many=True, read_only=True)  # type: ignore[var-annotated]
    stages = StagesField(read_only=True)

    class Meta:
        model = Consent
        fields = tuple(_CONSENT)
        read_only_fields = fields


class ConsentInput(serializers.Serializer[Any]):
    reference = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    contact = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", write_only=True
    )
    cameras = serializers.ListField(child=serializers.UUIDField(), max_length=1000, default=list)
    groups = serializers.ListField(child=serializers.UUIDField(), max_length=200, default=list)
    purposes = serializers.ListField(child=serializers.UUIDField(), max_length=200, default=list)
    stages = StagesField(min_length=1)
    notice_version = serializers.CharField(max_length=40)
    notice_text = serializers.CharField(max_length=20_000, trim_whitespace=False)
    language = serializers.CharField(max_length=8)
    given_at = serializers.DateTimeField(required=False)
    given_how = serializers.ChoiceField(choices=GivenHow.choices)
    given_to = serializers.CharField(max_length=150)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class ConsentQuery(serializers.Serializer[Any]):
    subject = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    standing = serializers.BooleanField(required=False, allow_null=True, default=None)


class WithdrawInput(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1, max_value=MOST_VERSION)
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class ContactSerializer(serializers.Serializer[Any]):
    contact = serializers.CharField()


class DocumentForm(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1, max_value=MOST_VERSION)
    document = serializers.FileField()


class SignQuery(serializers.Serializer[Any]):
    language = serializers.ChoiceField(choices=[("en", "English"), ("ru", "Русский")], default="en")
