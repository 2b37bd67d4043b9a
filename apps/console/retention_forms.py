"""The forms of retention: classes, cameras, holds."""

import zoneinfo
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera
from apps.console.forms import MomentField, aware
from apps.core.clock import now
from apps.retention.models import RecordingMode, RetentionClass

_EXPIRIES = {7: _("in a week"), 30: _("in 30 days"), 90: _("in 90 days"), 365: _("in a year")}


class ClassForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    hours = forms.IntegerField(label=_("Kept for hours"), min_value=1, help_text=_("72 is the default."))
    original_hours = forms.IntegerField(
        label=_("Sealed originals for hours"),
        min_value=0,
        initial=0,
        help_text=_("0 keeps none. Originals are not redacted; they are sealed and open only by unmasking."),
    )
    justification = forms.CharField(
        label=_("Justification"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Needed for more than 72 hours and for originals. Say why less does not serve."),
    )


class ClassAddForm(ClassForm):
    code = forms.CharField(
        label=_("Code"), max_length=40, help_text=_("Small Latin letters, digits and hyphens.")
    )
    field_order = ("code",)


class CameraRetentionForm(forms.Form):
    recording = forms.ChoiceField(
        label=_("Recorded"), choices=RecordingMode.choices, widget=forms.RadioSelect
    )
    retention_class = forms.ChoiceField(label=_("Retention class"), required=False)

    def __init__(self, *args: Any, classes: list[RetentionClass], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["retention_class"].choices = [  # type: ignore[attr-defined]
            ("", _("As its purpose says")),
            *((row.code, f"{row.name} ({row.hours} h)") for row in classes),
        ]


class HoldForm(forms.Form):
    since = MomentField(label=_("From"))
    until = MomentField(label=_("Until"))
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
    case = forms.CharField(label=_("Case"), required=False, max_length=80)
    days = forms.TypedChoiceField(label=_("Expires"), coerce=int, choices=list(_EXPIRIES.items()), initial=30)

    def __init__(self, *args: Any, camera: Camera, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.camera = camera
        for name in ("since", "until"):
            self.fields[name].required = True
            self.fields[name].help_text = camera.zone_name

    def values(self) -> dict[str, Any]:
        """What `hold_place` takes; times are read in the camera's zone."""
        data = self.cleaned_data
        return {
            "since": aware(data["since"], self.camera.zone_name),
            "until": aware(data["until"], self.camera.zone_name),
            "reason": data["reason"],
            "case": data["case"],
            "expires_at": now() + timedelta(days=data["days"]),
        }


class ReleaseForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=500)


def local(moment: datetime, camera: Camera) -> datetime:
    """A moment as the fields show it: without a zone, in that of the camera."""
    return moment.astimezone(zoneinfo.ZoneInfo(camera.zone_name)).replace(tzinfo=None)
