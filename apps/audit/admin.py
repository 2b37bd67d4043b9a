"""The record in the administration pages: to search and to read, for nobody to change."""

from django.contrib import admin

from apps.audit.models import AuditRecord
from apps.core.admin import ReadOnlyAdmin


@admin.register(AuditRecord)
class AuditRecordAdmin(ReadOnlyAdmin):
    """The count of all rows is not shown: on a long record it costs more than the page."""

    view_capability = "see_record"
    list_display = (
        "seq",
        "at",
        "kind",
        "action",
        "actor_name",
        "object_type",
        "object_id",
        "purpose",
        "redacted",
    )
    list_filter = ("kind", "redacted")
    search_fields = ("actor_name", "action", "object_id", "request_id", "address")
    date_hierarchy = None
    show_full_result_count = False
    list_per_page = 100
