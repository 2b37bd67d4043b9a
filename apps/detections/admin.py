"""Events in the admin: to look at without pictures. Triage has its own pages."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.detections.models import EventFlag


@admin.register(EventFlag)
class EventFlagAdmin(admin.ModelAdmin[EventFlag]):
    list_display = ("flagged_at", "event", "reason", "flagged_by_name", "comment")
    list_filter = ("reason",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
