"""The forms of sites, cameras and groups. They say what is expected; services check and decide."""

import zoneinfo
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.cameras.addresses import Credentials
from apps.cameras.models import (
    Camera,
    CameraGroup,
    RedactionStyle,
    RedactionTarget,
    Script,
    Site,
    SourceKind,
)

TIME_ZONES = sorted(zoneinfo.available_timezones())


def _lines(text: str, separators: str = ",\n") -> list[str]:
    for separator in separators:
        text = text.replace(separator, "\n")
    return [line.strip() for line in text.split("\n") if line.strip()]


class SourceForm(forms.Form):
    """Where the pictures come from; the step-by-step test takes the same fields."""

    site = forms.ModelChoiceField(label=_("Site"), queryset=Site.objects.none())
    kind = forms.ChoiceField(label=_("Source"), choices=SourceKind.choices)
    url = forms.CharField(
        label=_("Address"),
        max_length=600,
        help_text=_(
            "rtsp://host/path, http://host/stream.mjpg, https://host/live.m3u8, a file in the media folder, "
            "/dev/video0, or the name of a test pattern."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    username = forms.CharField(
        label=_("User name"),
        required=False,
        max_length=256,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    password = forms.CharField(
        label=_("Password"),
        required=False,
        max_length=256,
        help_text=_("Stored encrypted, and never shown again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    transport = forms.ChoiceField(
        label=_("Transport"), choices=[("tcp", "TCP"), ("udp", "UDP")], required=False
    )

    def __init__(self, *args: Any, sites: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = sites  # type: ignore[attr-defined]

    def credentials(self) -> Credentials | None:
        values = self.cleaned_data
        if not values.get("username") and not values.get("password"):
            return None
        return Credentials(values.get("username", ""), values.get("password", ""))


class CameraFields(forms.Form):
    """What is done with the pictures."""

    name = forms.CharField(label=_("Name"), max_length=120)
    tags = forms.CharField(
        label=_("Tags"), required=False, max_length=400, help_text=_("Separated by commas.")
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    detect_objects = forms.BooleanField(label=_("Find people and objects"), required=False)
    read_text = forms.BooleanField(
        label=_("Read text in the whole picture"),
        required=False,
        help_text=_("Zones of the kind “Read text” are read in any case."),
    )
    script = forms.ChoiceField(label=_("Writing system"), choices=Script.choices)
    redaction_target = forms.ChoiceField(label=_("Cover"), choices=RedactionTarget.choices)
    redaction_style = forms.ChoiceField(label=_("Cover style"), choices=RedactionStyle.choices)
    analysis_fps = forms.FloatField(label=_("Analysed pictures per second"), min_value=0.2, max_value=30)
    display_fps = forms.FloatField(label=_("Shown pictures per second"), min_value=1, max_value=30)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [("", _("As the site")), *((name, name) for name in TIME_ZONES)]
        self.fields["time_zone"].choices = zones  # type: ignore[attr-defined]

    def clean_tags(self) -> list[str]:
        return _lines(self.cleaned_data["tags"])


class CameraAddForm(CameraFields, SourceForm):
    field_order = ("site", "kind", "url", "username", "password", "transport", "name")

    def values(self) -> dict[str, Any]:
        """The arguments of `camera_create`."""
        values = dict(self.cleaned_data)
        for name in ("username", "password"):
            values.pop(name)
        values["transport"] = values["transport"] or "tcp"
        return {**values, "credentials": self.credentials()}


class CameraEditForm(CameraFields):
    kind = forms.ChoiceField(label=_("Source"), choices=SourceKind.choices)
    url = forms.CharField(
        label=_("Address"),
        max_length=600,
        help_text=_("When the host changes, the stored password is dropped and has to be typed again."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    transport = forms.ChoiceField(label=_("Transport"), choices=[("tcp", "TCP"), ("udp", "UDP")])
    version = forms.IntegerField(widget=forms.HiddenInput)
    field_order = ("name", "kind", "url", "transport")

    @classmethod
    def of(cls, camera: Camera) -> "CameraEditForm":
        names = [name for name in cls.base_fields if name != "tags"]
        initial = {name: getattr(camera, name) for name in names}
        return cls(initial={**initial, "tags": ", ".join(camera.tags)})

    def changes(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class SiteForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=[(name, name) for name in TIME_ZONES])
    allowed_networks = forms.CharField(
        label=_("Allowed networks"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_(
            "Networks of the cameras in CIDR form, one per line, such as 10.20.0.0/16. "
            "Other private addresses are refused."
        ),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def clean_allowed_networks(self) -> list[str]:
        return _lines(self.cleaned_data["allowed_networks"])

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("name", "time_zone", "allowed_networks")}


class GroupForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    cameras = forms.MultipleChoiceField(
        label=_("Cameras"), required=False, widget=forms.CheckboxSelectMultiple
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, group: CameraGroup, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cameras = group.site.cameras.order_by("name")
        self.fields["cameras"].choices = [(str(row.pk), row.name) for row in cameras]  # type: ignore[attr-defined]
