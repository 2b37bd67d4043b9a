"""Model versions in the admin: to look at. Assignments are made on the page of models."""

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin
from apps.registry.models import ModelVersion


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    view_capability = "see_models"
    list_display = ("name", "task", "family", "sha256", "builtin", "present", "problem")
    list_filter = ("task", "family", "builtin", "present")
    search_fields = ("name", "sha256")
