"""The ledger of redacted files: to look at."""

from django.contrib import admin

from apps.accounts.roles import Capability
from apps.core.admin import ReadOnlyAdmin
from apps.redactions.models import Redaction


@admin.register(Redaction)
class RedactionAdmin(ReadOnlyAdmin):
    view_capability = Capability.SEE_RECORD
    list_display = ("created_at", "owner", "state", "revision", "finished_at", "error_code")
    list_filter = ("state", "error_code")
    fields = ("owner", "state", "purpose", "options", "created_at", "finished_at", "input_until",
              "input_gone_at", "error_code", "error")  # fmt: skip
