"""The register and the consents in the admin: to find and to look at. They are changed on their own pages."""

from django.contrib import admin

from apps.accounts.roles import Capability
from apps.consent.models import Consent, Purpose
from apps.core.admin import ReadOnlyAdmin


@admin.register(Purpose)
class PurposeAdmin(ReadOnlyAdmin):
    view_capability = Capability.SEE_PURPOSES
    list_display = (
        "purpose",
        "camera_name",
        "zone_name",
        "lawful_basis",
        "valid_from",
        "valid_until",
        "ended_at",
    )
    list_filter = ("lawful_basis", "origin")
    search_fields = ("purpose", "camera_name", "controller")


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    view_capability = Capability.SEE_PURPOSES
    list_display = ("subject", "given_at", "expires_at", "withdrawn_at", "notice_version")
    list_filter = ("given_how", "language")
    search_fields = ("subject__reference",)
    exclude = ("evidence_key",)
