"""Flags in the admin, for those who read the record. Events and pictures have their own pages, by grant."""

from django.contrib import admin

from apps.accounts.roles import Capability
from apps.core.admin import ReadOnlyAdmin
from apps.detections.models import EventFlag


@admin.register(EventFlag)
class EventFlagAdmin(ReadOnlyAdmin):
    view_capability = Capability.SEE_RECORD
    list_display = ("flagged_at", "event", "reason", "flagged_by_name", "comment")
    list_filter = ("reason",)
