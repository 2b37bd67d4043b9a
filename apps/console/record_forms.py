"""The filters of the record."""

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.audit.models import RecordKind
from apps.cameras.models import Camera
from apps.console.forms import MomentField, aware, common_zone
from apps.console.words import ACTIONS


class RecordFilters(forms.Form):
    """`seen` turns the search into one question: who saw this camera in this span."""

    camera_id = forms.ChoiceField(label=_("Camera"), required=False)
    actor = forms.CharField(label=_("Person"), required=False, max_length=150)
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("Any")), *RecordKind.choices])
    action = forms.ChoiceField(label=_("Action"), required=False, choices=[("", _("Any")), *ACTIONS.items()])
    since = MomentField(label=_("From"))
    until = MomentField(label=_("Until"))
    text = forms.CharField(
        label=_("Text"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Name, id, address, purpose")}),
    )
    seen = forms.BooleanField(label=_("Only who saw this camera"), required=False)

    def __init__(self, *args: Any, cameras: list[Camera], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["camera_id"].choices = [  # type: ignore[attr-defined]
            ("", _("All cameras")),
            *((str(camera.pk), f"{camera.name} ({camera.site.name})") for camera in cameras),
        ]
        self.cameras = cameras
        self.zone_name = "UTC"

    def criteria(self) -> dict[str, Any]:
        """What `records_search` takes; a field that is wrong is shown as such and left out."""
        self.is_valid()
        values = {name: value for name, value in self.cleaned_data.items() if value not in (None, "", False)}
        self.zone_name = common_zone(self.cameras, values.get("camera_id", ""))
        values.pop("seen", None)
        return values | {
            name: aware(values[name], self.zone_name) for name in ("since", "until") if name in values
        }

    def asked(self) -> tuple[dict[str, Any], UUID | None]:
        """What is looked for, and the camera of the question who saw it; None when that was not asked.

        That question takes the camera and the span: other filters do not narrow it and are not named.
        """
        criteria = self.criteria()
        if not self.cleaned_data.get("seen") or not criteria.get("camera_id"):
            return criteria, None
        span = {name: value for name, value in criteria.items() if name in ("camera_id", "since", "until")}
        return span, UUID(str(criteria["camera_id"]))
