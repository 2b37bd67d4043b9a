"""Model versions in the admin: to look at. Assignments are made on the page of models."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.registry.models import ModelVersion


@admin.register(ModelVersion)
class ModelVersionAdmin(admin.ModelAdmin[ModelVersion]):
    list_display = ("name", "task", "family", "sha256", "builtin", "present", "problem")
    list_filter = ("task", "family", "builtin", "present")
    search_fields = ("name", "sha256")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
