"""The administration site: entered by administrators and compliance, through the one sign-in."""

from collections.abc import Callable, Mapping
from functools import update_wrapper
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.roles import Capability, user_can
from apps.audit import services as audit
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

    def admin_view(  # type: ignore[override]  # wrapped once more
        self, view: Callable[..., Any], cacheable: bool = False
    ) -> Callable[..., Any]:
        """Every page of a model is on record before it opens; what changes something has a row of its own."""
        inner = super().admin_view(view, cacheable)
        model_admin = getattr(view, "__self__", None)
        if not isinstance(model_admin, admin.ModelAdmin):
            return inner

        def recorded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method in ("GET", "HEAD") and self.has_permission(request):
                _record(request, model_admin, kwargs)
            answer: HttpResponseBase = inner(request, *args, **kwargs)
            return answer

        return update_wrapper(recorded, inner)

    def login(  # type: ignore[override]  # a redirect instead of Django's page
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get("next") or reverse("admin:index"))
        if not self.has_permission(request):
            raise NotFound(str(_("page")))
        return redirect("admin:index")

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_logout")

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_change_password")


def _record(request: HttpRequest, page: admin.ModelAdmin[Any], arguments: Mapping[str, Any]) -> None:
    """The purpose is part of the page: who opens it keeps the installation."""
    with transaction.atomic():
        audit.record_access(
            action="admin.open",
            object_type=page.opts.model_name or "",
            object_id=str(arguments.get("object_id", "")),
            details={"terms": request.GET.dict()} if request.GET else None,
        )
