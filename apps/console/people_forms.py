"""The forms of people, grants and tokens."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role, TokenAction, User
from apps.cameras.grants import PERMISSIONS
from apps.cameras.models import CameraGroup, Site


class PersonAddForm(forms.Form):
    username = forms.CharField(
        label=_("User name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
    password = forms.CharField(
        label=_("First password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Tell it to the person and ask them to change it after the first sign-in."),
    )


class PasswordForm(forms.Form):
    password = forms.CharField(
        label=_("New password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("All sessions of this person end."),
    )


class GrantForm(forms.Form):
    """A target is a site or a group; its kind stands before its id."""

    target = forms.ChoiceField(label=_("Site or group"))
    permission = forms.ChoiceField(label=_("May"), choices=list(PERMISSIONS.items()))

    def __init__(self, *args: Any, sites: list[Site], groups: list[CameraGroup], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.targets: dict[str, Site | CameraGroup] = {
            **{f"site:{site.pk}": site for site in sites},
            **{f"group:{group.pk}": group for group in groups},
        }
        self.fields["target"].choices = [  # type: ignore[attr-defined]
            (_("Sites"), [(f"site:{site.pk}", site.name) for site in sites]),
            (_("Groups"), [(f"group:{group.pk}", str(group)) for group in groups]),
        ]

    def grant(self) -> dict[str, Any]:
        """What `grant_give` and `grant_revoke` take."""
        target = self.targets[self.cleaned_data["target"]]
        kind = "site" if isinstance(target, Site) else "group"
        return {kind: target, "permission": self.cleaned_data["permission"]}


class TokenForm(forms.Form):
    user = forms.ModelChoiceField(
        label=_("Account"),
        queryset=User.objects.none(),
        help_text=_("The token can never do more than the role of this account."),
    )
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What uses this token."))
    actions = forms.MultipleChoiceField(
        label=_("May"), choices=TokenAction.choices, widget=forms.CheckboxSelectMultiple
    )
    group_ids = forms.ModelMultipleChoiceField(
        label=_("Only these camera groups"),
        queryset=CameraGroup.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: every camera that the account may see."),
    )
    days = forms.IntegerField(label=_("Days until it ends"), min_value=1, max_value=365)

    def __init__(self, *args: Any, users: Any, groups: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].queryset = users  # type: ignore[attr-defined]
        self.fields["group_ids"].queryset = groups  # type: ignore[attr-defined]

    def values(self, at: datetime) -> dict[str, Any]:
        """What `token_create` takes."""
        cleaned = self.cleaned_data
        return {
            "user": cleaned["user"],
            "name": cleaned["name"],
            "actions": cleaned["actions"],
            "group_ids": [group.pk for group in cleaned["group_ids"]],
            "expires_at": at + timedelta(days=cleaned["days"]),
        }
