"""The forms of watching and triage. They say what is expected; services decide."""

import zoneinfo
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera, Script, Zone
from apps.console.label_words import label_words
from apps.core.clock import moment_problem
from apps.detections.models import ColourName, EventFlag, EventStatus


class MomentField(forms.DateTimeField):
    """A local date and time; `aware` reads it in the zone of the camera that was chosen."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(required=False, widget=widget, input_formats=["%Y-%m-%dT%H:%M"], **kwargs)

    def clean(self, value: Any) -> Any:
        moment = super().clean(value)
        if moment and (problem := moment_problem(moment)):
            raise forms.ValidationError(problem)
        return moment.replace(tzinfo=None) if moment else None


def aware(moment: datetime | None, zone_name: str) -> datetime | None:
    return moment.replace(tzinfo=zoneinfo.ZoneInfo(zone_name)) if moment else None


def _camera_choices(cameras: list[Camera]) -> list[tuple[str, str]]:
    return [("", str(_("All cameras"))), *((str(camera.pk), camera.name) for camera in cameras)]


def common_zone(cameras: list[Camera], chosen: str = "") -> str:
    """The zone in which times of a filter are meant: that of the chosen camera, or the one all share."""
    zones = {camera.zone_name for camera in cameras if not chosen or str(camera.pk) == chosen}
    return zones.pop() if len(zones) == 1 else "UTC"


class SearchForm(forms.Form):
    """Filters of an address; `cameras` are those that the viewer may choose."""

    cameras: list[Camera]

    def criteria(self) -> dict[str, Any]:
        """What the search takes; a field that is wrong is shown as such and left out."""
        self.is_valid()
        values = {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
        zone = common_zone(self.cameras, values.get("camera", ""))
        for name in ("since", "until"):
            if name in values:
                values[name] = aware(values[name], zone)
        return values


COLOURS_GUESSED = _("A guess from the covered picture, missing or wrong for many: search without it as well.")


def colour_field(label: Any, *, help_text: Any = "") -> forms.ChoiceField:
    choices = [("", _("Any")), *ColourName.choices]
    return forms.ChoiceField(label=label, required=False, choices=choices, help_text=help_text)


class EventFilters(SearchForm):
    camera = forms.ChoiceField(label=_("Camera"), required=False)
    label = forms.ChoiceField(label=_("Class"), required=False)
    upper = colour_field(_("Upper clothing"))
    lower = colour_field(_("Lower clothing"))
    status = forms.ChoiceField(label=_("Status"), required=False)
    zone = forms.ChoiceField(label=_("Zone"), required=False)
    since = MomentField(label=_("From"))
    until = MomentField(label=_("Until"))
    text = forms.CharField(
        label=_("Text"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Class or reading")}),
    )

    def __init__(self, *args: Any, cameras: list[Camera], labels: list[str], zones: list[Zone], **kw: Any):
        super().__init__(*args, **kw)
        self.fields["camera"].choices = _camera_choices(cameras)  # type: ignore[attr-defined]
        self.fields["label"].choices = [  # type: ignore[attr-defined]
            ("", _("All classes")),
            *((label, label_words(label)) for label in labels),
        ]
        self.fields["status"].choices = [("", _("Any status")), *EventStatus.choices]  # type: ignore[attr-defined]
        self.fields["zone"].choices = [  # type: ignore[attr-defined]
            ("", _("All zones")),
            *((str(zone.pk), f"{zone.name} ({zone.camera.name})") for zone in zones),
        ]
        self.cameras = cameras


class ReadingFilters(SearchForm):
    text = forms.CharField(
        label=_("Text"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("A part of the text")}),
    )
    camera = forms.ChoiceField(label=_("Camera"), required=False)
    script = forms.ChoiceField(
        label=_("Writing system"), required=False, choices=[("", _("Any")), *Script.choices]
    )
    since = MomentField(label=_("From"))
    until = MomentField(label=_("Until"))

    def __init__(self, *args: Any, cameras: list[Camera], **kw: Any):
        super().__init__(*args, **kw)
        self.fields["camera"].choices = _camera_choices(cameras)  # type: ignore[attr-defined]
        self.cameras = cameras


class FlagForm(forms.Form):
    reason = forms.ChoiceField(label=_("Reason"), choices=EventFlag.Reason.choices, widget=forms.RadioSelect)
    comment = forms.CharField(
        label=_("Comment"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Do not write names of people here."),
    )
