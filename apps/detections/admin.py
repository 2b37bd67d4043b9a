"""Events in the admin: to look at without pictures. Triage has its own pages."""

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin
from apps.detections.models import EventFlag


@admin.register(EventFlag)
class EventFlagAdmin(ReadOnlyAdmin):
    view_capability = "see_record"  # compliance reads every event; others by grant, on the pages of events
    list_display = ("flagged_at", "event", "reason", "flagged_by_name", "comment")
    list_filter = ("reason",)
