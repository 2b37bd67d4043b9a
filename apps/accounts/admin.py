"""People and tokens in the administration pages. Every change goes through the services."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.accounts import services
from apps.accounts.models import ApiToken, User
from apps.core.admin import CapabilityAdmin, ReadOnlyAdmin


class UserForm(forms.ModelForm[User]):
    """`new_password` is required for a new account; on an existing one it replaces the password."""

    new_password = forms.CharField(
        label=_("new password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Leave empty to keep the present one. A new one ends all sessions of this person."),
    )

    class Meta:
        model = User
        fields = ("username", "role", "is_active", "first_name", "last_name", "email", "language")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.instance._state.adding and not self.cleaned_data.get("new_password"):
            self.add_error("new_password", _("A new account needs a password."))
        return cleaned


@admin.register(User)
class UserAdmin(CapabilityAdmin):
    change_capability = "manage_users"
    form = UserForm
    list_display = ("username", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username", "first_name", "last_name")
    readonly_fields = ("last_login", "date_joined")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, *(("username",) if obj is not None else ("is_active",)))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        actor, values = _acting_user(request), form.cleaned_data
        if change:
            _apply(actor, User.objects.get(pk=obj.pk), values)
            return
        personal = {name: values[name] for name in ("first_name", "last_name", "email", "language")}
        made = services.user_create(
            acting_user=actor,
            username=values["username"],
            password=values["new_password"],
            role=values["role"],
            **personal,
        )
        obj.pk, obj._state.adding = made.pk, False


def _apply(actor: User, user: User, values: dict[str, Any]) -> None:
    personal = {name: values[name] for name in ("first_name", "last_name", "email", "language")}
    services.user_update(acting_user=actor, user=user, **personal)
    if values["role"] != user.role:
        services.user_set_role(acting_user=actor, user=user, role=values["role"])
    if values["is_active"] != user.is_active:
        services.user_set_active(acting_user=actor, user=user, active=values["is_active"])
    if values["new_password"]:
        services.user_set_password(acting_user=actor, user=user, password=values["new_password"])


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens are made on the page of people and tokens, where a new one is shown once."""

    view_capability = "manage_users"
    actions = ("revoke",)
    list_display = ("name", "user", "tail", "created", "expiry")
    list_filter = ("user",)
    fields = ("name", "user", "tail", "actions", "group_ids", "created", "expiry")

    @admin.action(description=_("Revoke the chosen tokens"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset.select_related("user"):
            services.token_revoke(acting_user=_acting_user(request), token=token)
        messages.success(request, _("The tokens are refused from now on."))


def _acting_user(request: HttpRequest) -> User:
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - the site lets nobody else in
    return user
