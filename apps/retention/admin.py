"""Classes, holds and sweeps in the admin: to look at. They are changed on the page of retention."""

from django.contrib import admin

from apps.accounts.roles import Capability
from apps.core.admin import ReadOnlyAdmin
from apps.retention.models import LegalHold, RetentionClass


@admin.register(RetentionClass)
class RetentionClassAdmin(ReadOnlyAdmin):
    view_capability = Capability.SEE_RECORD
    list_display = ("code", "name", "hours", "original_hours", "justification")


@admin.register(LegalHold)
class LegalHoldAdmin(ReadOnlyAdmin):
    view_capability = Capability.SEE_RECORD
    list_display = (
        "camera",
        "since",
        "until",
        "reason",
        "case",
        "placed_by_name",
        "expires_at",
        "released_at",
    )
    list_filter = ("camera",)
