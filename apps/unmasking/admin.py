"""Requests for unmasking in the admin: to look at, for those who read the record."""

from django.contrib import admin

from apps.accounts.roles import Capability
from apps.core.admin import ReadOnlyAdmin
from apps.unmasking.models import UnmaskRequest


@admin.register(UnmaskRequest)
class UnmaskRequestAdmin(ReadOnlyAdmin):
    view_capability = Capability.SEE_RECORD
    list_display = ("camera", "since", "until", "case", "requested_by", "requested_at", "state", "decided_by")
    list_filter = ("state",)
