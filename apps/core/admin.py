"""Bases of the administration pages: rights by capability, nothing deleted, changes through services."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest


class CapabilityAdmin(admin.ModelAdmin[Any]):
    """Asks the site (`apps.accounts.admin_site`) for capabilities; one that names none is closed."""

    view_capability = ""
    change_capability = ""

    def _allows(self, request: HttpRequest, capability: str) -> bool:
        allows = getattr(self.admin_site, "allows", None)
        return bool(capability and allows is not None and allows(request.user, capability))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._allows(request, self.view_capability) or self._allows(request, self.change_capability)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._allows(request, self.change_capability)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._allows(request, self.change_capability)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._allows(request, self.change_capability)


class ReadOnlyAdmin(CapabilityAdmin):
    """A list and its details, for nobody to change."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
