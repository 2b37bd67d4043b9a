"""The ledger of uploaded work and the history of leases: to look at."""

from django.contrib import admin

from apps.accounts.roles import Capability
from apps.core.admin import ReadOnlyAdmin
from apps.dispatch.models import LeaseChange, WorkItem


@admin.register(WorkItem)
class WorkItemAdmin(ReadOnlyAdmin):
    view_capability = Capability.SEE_RECORD
    list_display = ("created_at", "owner", "state", "attempts", "finished_at", "error_code")
    list_filter = ("state", "error_code")
    fields = ("owner", "state", "attempts", "created_at", "finished_at", "script", "error_code", "error")


@admin.register(LeaseChange)
class LeaseChangeAdmin(ReadOnlyAdmin):
    view_capability = Capability.SEE_RECORD
    list_display = ("issued_at", "camera", "revision", "reason")
    list_filter = ("camera",)
