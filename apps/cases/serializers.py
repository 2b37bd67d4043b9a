"""The forms of requests of data subjects in the API."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from apps.cases.clock import left
from apps.cases.models import (
    Case,
    CaseItem,
    CaseKind,
    Disclosure,
    DisclosureForm,
    DisclosureState,
    Erasure,
    ErasureState,
    IdentityMethod,
    IdentityOutcome,
    ItemKind,
    Outcome,
    ReceivedHow,
)
from apps.core.clock import now

STATES = (("open", "open"), ("closed", "closed"), ("all", "all"))
_CLOSED = {"open": False, "closed": True, "all": None}
_CASE: dict[str, Any] = {
    "id": "3f1d2c84-6f0e-4d7b-9a40-2f8f2c6f3a10",
    "reference": "C-2345",
    "kind": "erasure",
    "subject": "S-2345",
    "asked": "Blue coat, Tuesday noon, the lobby",
    "received_at": "2026-11-02T10:00:00Z",
    "received_how": "letter",
    "due_at": "2026-12-02T10:00:00Z",
    "days": 4,
    "overdue": False,
    "extended_at": None,
    "identity": "confirmed",
    "identity_method": "document",
    "opened_at": "2026-11-02T10:20:00Z",
    "opened_by": "bob",
    "outcome": "",
    "closed_at": None,
    "version": 2,
}
_ITEM: dict[str, Any] = {
    "id": "7c9a4b1e-0a5e-4f3c-9a51-4d2f6f1f0a11",
    "kind": "event",
    "object": "4f6c1f0e-7a5e-4f3c-9a51-4d2f6f1f0b22",
    "camera": "0b8a2c1d-7a5e-4f3c-9a51-4d2f6f1f0c33",
    "camera_name": "Lobby",
    "since": "2026-10-27T11:58:10Z",
    "until": "2026-10-27T11:58:31Z",
    "shows_subject": False,
    "copy_sha256": "9f2c" * 16,
    "erased_at": None,
}
_DETAIL = _CASE | {
    "extension_reason": "",
    "notified_at": None,
    "outcome_note": "",
    "items": [_ITEM],
    "disclosures": [],
    "erasures": [
        {
            "id": "1a2b3c4d-6f0e-4d7b-9a40-2f8f2c6f3a10",
            "state": "waiting",
            "made_at": "2026-11-20T09:00:00Z",
            "made_by": "bob",
            "expires_at": "2026-11-21T09:00:00Z",
            "decided_at": None,
            "decided_by": None,
            "executed_at": None,
            "counts": {"erase": {"events": 1}, "cut": {}, "kept": [["record", "record", 3]], "blind": []},
            "digest": "0b7a" * 16,
        }
    ],
}


class CaseQuery(serializers.Serializer[Any]):
    """`text`: a part of the reference of the request or the person. `due_before` finds what runs out."""

    state = serializers.ChoiceField(choices=STATES, default="open")
    kind = serializers.ChoiceField(choices=CaseKind.choices, required=False)
    text = serializers.CharField(required=False, max_length=40)
    due_before = serializers.DateTimeField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["closed"] = _CLOSED[attrs.pop("state")]
        return attrs


@extend_schema_serializer(examples=[OpenApiExample("Open", value=_CASE, response_only=True)])
class CaseSerializer(serializers.ModelSerializer[Case]):
    """One request. `days` are left of it, or since `due_at` where it is `overdue`; null once it is closed.

    How to reach the person is shown on the page alone.
    """

    kind = serializers.ChoiceField(choices=CaseKind.choices)
    received_how = serializers.ChoiceField(choices=ReceivedHow.choices)
    identity = serializers.ChoiceField(choices=IdentityOutcome.choices)
    identity_method = serializers.ChoiceField(choices=IdentityMethod.choices, allow_blank=True)
    outcome = serializers.ChoiceField(choices=Outcome.choices)
    days = serializers.SerializerMethodField()
    overdue = serializers.SerializerMethodField()
    opened_by = serializers.CharField(source="opened_by_name")

    class Meta:
        model = Case
        fields = [
            "id", "reference", "kind", "subject", "asked", "received_at", "received_how", "due_at", "days",
            "overdue", "extended_at", "identity", "identity_method", "opened_at", "opened_by", "outcome",
            "closed_at", "version",
        ]  # fmt: skip

    def get_days(self, case: Case) -> int | None:
        return left(case.due_at, now()).days if case.is_open else None

    def get_overdue(self, case: Case) -> bool:
        return case.is_open and left(case.due_at, now()).overdue


class CaseItemSerializer(serializers.ModelSerializer[CaseItem]):
    """One thing that was collected: what it names and when. The pictures are on the pages."""

    kind = serializers.ChoiceField(choices=ItemKind.choices)
    object = serializers.UUIDField(source="object_id")
    camera = serializers.UUIDField(source="camera_id", allow_null=True)

    class Meta:
        model = CaseItem
        fields = [
            "id", "kind", "object", "camera", "camera_name", "since", "until", "shows_subject",
            "copy_sha256", "erased_at",
        ]  # fmt: skip


class DisclosureSerializer(serializers.ModelSerializer[Disclosure]):
    form = serializers.ChoiceField(choices=DisclosureForm.choices)
    state = serializers.ChoiceField(choices=DisclosureState.choices)
    prepared_by = serializers.CharField(source="prepared_by.username")
    decided_by = serializers.CharField(source="decided_by.username", default=None, allow_null=True)

    class Meta:
        model = Disclosure
        fields = [
            "id", "form", "state", "prepared_at", "prepared_by", "expires_at", "decided_at", "decided_by",
            "given_at", "digest", "pack_sha256",
        ]  # fmt: skip


class CountsSerializer(serializers.Serializer[Any]):
    """`erase` and `cut`: rows by store. `kept`: ground, store, rows. `blind`: a set of labelled pictures, how
    many of them cannot be searched by time, of how many. `learned`: a model, its hash, what it learned from.
    """

    erase = serializers.DictField(child=serializers.IntegerField(), required=False)
    cut = serializers.DictField(child=serializers.IntegerField(), required=False)
    kept = serializers.ListField(child=serializers.ListField(), required=False)
    blind = serializers.ListField(child=serializers.ListField(), required=False)
    learned = serializers.ListField(child=serializers.ListField(), required=False)


class ErasureSerializer(serializers.ModelSerializer[Erasure]):
    state = serializers.ChoiceField(choices=ErasureState.choices)
    made_by = serializers.CharField(source="made_by.username")
    decided_by = serializers.CharField(source="decided_by.username", default=None, allow_null=True)
    counts = CountsSerializer()

    class Meta:
        model = Erasure
        fields = [
            "id", "state", "made_at", "made_by", "expires_at", "decided_at", "decided_by", "executed_at",
            "counts", "digest",
        ]  # fmt: skip


@extend_schema_serializer(examples=[OpenApiExample("With its steps", value=_DETAIL, response_only=True)])
class CaseDetailSerializer(CaseSerializer):
    items = CaseItemSerializer(many=True)
    disclosures = DisclosureSerializer(many=True)
    erasures = ErasureSerializer(many=True)

    class Meta(CaseSerializer.Meta):
        fields = [
            *CaseSerializer.Meta.fields, "extension_reason", "notified_at", "outcome_note", "items",
            "disclosures", "erasures",
        ]  # fmt: skip
