"""Model versions in the admin: to look at. Assignments are made on the page of models."""

from django.contrib import admin

from apps.accounts.roles import Capability
from apps.core.admin import ReadOnlyAdmin
from apps.registry.models import ModelVersion, StageAssignment


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    view_capability = Capability.SEE_MODELS
    list_display = ("name", "task", "family", "sha256", "builtin", "present", "problem")
    list_filter = ("task", "family", "builtin", "present")
    search_fields = ("name", "sha256")


@admin.register(StageAssignment)
class StageAssignmentAdmin(ReadOnlyAdmin):
    view_capability = Capability.SEE_MODELS
    list_display = ("stage", "version", "assigned_at")
