"""REST: the record, for those who may read it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit.models import AuditRecord, RecordKind
from apps.audit.selectors import ORDERING, records_search
from apps.audit.services import record_read
from apps.core.api import ApiView, KeysetPagination


class RecordSerializer(serializers.ModelSerializer[AuditRecord]):
    details = serializers.DictField(read_only=True)

    class Meta:
        model = AuditRecord
        fields = (
            "seq", "at", "kind", "action", "actor_id", "actor_name", "actor_role", "object_type",
            "object_id", "camera_id", "purpose", "redacted", "address", "request_id", "details",
            "previous_hash", "hash",
        )  # fmt: skip
        read_only_fields = fields


class RecordQuery(serializers.Serializer[Any]):
    camera_id = serializers.UUIDField(required=False)
    actor = serializers.CharField(required=False, max_length=150)
    action = serializers.CharField(required=False, max_length=80)
    kind = serializers.ChoiceField(choices=RecordKind.choices, required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    text = serializers.CharField(required=False, max_length=200)


class RecordsView(ApiView):
    capability = "see_record"
    required_action = "audit:read"
    pagination_class = KeysetPagination
    keyset_ordering = ORDERING

    @extend_schema(operation_id="audit_list", parameters=[RecordQuery], responses=RecordSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Entries of the record, newest first, with the hashes that chain them. The access is recorded."""
        query = RecordQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        pages = KeysetPagination()
        rows = pages.paginate_queryset(records_search(**query.validated_data), request, view=self)
        record_read(terms=query.validated_data, shown=len(rows or ()))
        return pages.get_paginated_response(RecordSerializer(rows, many=True).data)
