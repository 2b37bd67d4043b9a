"""Bases of the administration pages: rights by capability, changes through services."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.core.errors import DomainError


class CapabilityAdmin(admin.ModelAdmin[Any]):
    """Asks the site (`apps.accounts.admin_site`) for capabilities; one that names none is closed.

    `save_model` and `delete_model` of a subclass call services; what those refuse is said on the page.
    """

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

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except DomainError as error:
            return self._refused(request, error)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().delete_view(request, *args, **kwargs)
        except DomainError as error:
            return self._refused(request, error)

    def _refused(self, request: HttpRequest, error: DomainError) -> HttpResponse:
        messages.error(request, error.message)
        return redirect(request.path)


class ReadOnlyAdmin(CapabilityAdmin):
    """A list and its details, for nobody to change."""

    actions: Sequence[str] | None = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
