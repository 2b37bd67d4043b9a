"""The administration site: entered by administrators and compliance, through the one sign-in."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.roles import Capability, user_can
from apps.core.errors import NotFound


class VidettePanel(admin.AdminSite):
    """Django's admin with rights by role. Its own sign-in and password pages would pass by MFA and the
    record, so they lead to the product's."""

    site_header = _("Vidette administration")
    site_title = _("Vidette administration")
    index_title = _("Administration")
    enable_nav_sidebar = True

    def allows(self, user: Any, capability: str) -> bool:
        return user_can(user, Capability(capability))

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_authenticated and getattr(request.user, "is_staff", False))

    def login(  # type: ignore[override]  # a redirect instead of Django's page
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get("next") or reverse("admin:index"))
        if not self.has_permission(request):
            raise NotFound("page")
        return redirect("admin:index")

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_logout")

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_change_password")
