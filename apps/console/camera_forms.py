"""The forms of cameras, zones, sites and groups. The services check again and decide."""

import json
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import (
    MAX_DISPLAY_DELAY_S,
    MIN_DISPLAY_DELAY_S,
    Camera,
    CameraGroup,
    RedactionStyle,
    RedactionTarget,
    Script,
    Site,
    SourceKind,
    Zone,
    ZoneKind,
    ZoneTarget,
)


def _zone_choices(first: Any) -> list[tuple[str, Any]]:
    names = sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    return [("", first), ("UTC", "UTC"), *((name, name) for name in names)]


class TagsField(forms.CharField):
    """Words parted by commas."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        text = super().clean(value)
        return [tag.strip() for tag in text.split(",") if tag.strip()]


class SourceForm(forms.Form):
    """Where the pictures come from: what a test of a new camera needs."""

    site = forms.ModelChoiceField(label=_("Site"), queryset=Site.objects.none())
    kind = forms.ChoiceField(label=_("Source"), choices=SourceKind.choices)
    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        widget=forms.TextInput(attrs={"placeholder": "rtsp://10.20.0.5/stream1", "autocomplete": "off"}),
        help_text=_(
            "A stream address, a file below a media folder, a device such as /dev/video0, or the name of a "
            "test pattern such as clock. The password goes into its own field."
        ),
    )
    transport = forms.ChoiceField(label=_("Transport"), choices=[("tcp", "TCP"), ("udp", "UDP")])
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
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("It is stored encrypted and never shown again."),
    )

    def __init__(self, *args: Any, sites: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = sites  # type: ignore[attr-defined]


class LookForm(forms.Form):
    """What is done with the pictures."""

    name = forms.CharField(label=_("Name"), max_length=120)
    detect_objects = forms.BooleanField(label=_("Find people and objects"), required=False, initial=True)
    read_text = forms.BooleanField(label=_("Read text"), required=False)
    script = forms.ChoiceField(label=_("Writing system"), choices=Script.choices)
    redaction_target = forms.ChoiceField(label=_("Cover"), choices=RedactionTarget.choices)
    redact_text = forms.BooleanField(
        label=_("Cover text"),
        required=False,
        help_text=_("Plates, badges, screens. It is found about once a second; nothing is read for it."),
    )
    redaction_style = forms.ChoiceField(label=_("Kind of cover"), choices=RedactionStyle.choices)
    display_delay_s = forms.FloatField(
        label=_("Delay of the live picture, seconds"),
        min_value=MIN_DISPLAY_DELAY_S,
        max_value=MAX_DISPLAY_DELAY_S,
        initial=0.9,
        help_text=_("A face is also covered in the pictures of that time before it was found."),
    )
    analysis_fps = forms.FloatField(
        label=_("Analysed pictures per second"), min_value=0.2, max_value=30, initial=5
    )
    display_fps = forms.FloatField(
        label=_("Shown pictures per second"), min_value=1, max_value=30, initial=10
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    tags = TagsField(label=_("Tags"), required=False, help_text=_("Parted by commas."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = _zone_choices(_("As the site"))  # type: ignore[attr-defined]


class CameraAddForm(LookForm, SourceForm):
    field_order = (
        *("name", "site", "kind", "url", "transport", "username", "password"),
        *("detect_objects", "read_text", "script", "redaction_target", "redact_text", "redaction_style"),
        *("display_delay_s", "analysis_fps", "display_fps", "time_zone", "tags"),
    )


class CameraEditForm(LookForm):
    kind = forms.ChoiceField(label=_("Source"), choices=SourceKind.choices)
    url = forms.CharField(label=_("Address"), max_length=500)
    transport = forms.ChoiceField(label=_("Transport"), choices=[("tcp", "TCP"), ("udp", "UDP")])
    loop = forms.BooleanField(label=_("Repeat the file"), required=False)
    realtime = forms.BooleanField(label=_("Play at real speed"), required=False)
    version = forms.IntegerField(widget=forms.HiddenInput)

    field_order = ("name", "kind", "url", "transport", "loop", "realtime")

    @staticmethod
    def values_of(camera: Camera) -> dict[str, Any]:
        return {name: getattr(camera, name) for name in CameraEditForm.base_fields}


class CredentialsForm(forms.Form):
    username = forms.CharField(
        label=_("User name"), max_length=256, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("It is stored encrypted and never shown again."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


class PolygonField(forms.CharField):
    """JSON points from the editor; the service checks the shape."""

    widget = forms.HiddenInput

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value or [])

    def clean(self, value: Any) -> Any:
        try:
            return json.loads(super().clean(value))
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(_("The polygon is not readable. Draw it again.")) from error


class ZoneForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    kind = forms.ChoiceField(label=_("Kind"), choices=ZoneKind.choices)
    script = forms.ChoiceField(
        label=_("Writing system"),
        required=False,
        choices=[("", _("As the camera")), *Script.choices],
        help_text=_("Only for a zone in which text is read."),
    )
    redaction_target = forms.ChoiceField(
        label=_("Cover here"),
        required=False,
        choices=ZoneTarget.choices,
        help_text=_("A zone can cover more than its camera does, never less."),
    )
    redact_text = forms.BooleanField(label=_("Cover text here"), required=False)
    polygon = PolygonField()

    @staticmethod
    def values_of(zone: Zone) -> dict[str, Any]:
        return {name: getattr(zone, name) for name in ZoneForm.base_fields}


class SiteForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    time_zone = forms.ChoiceField(label=_("Time zone"), initial="UTC")
    allowed_networks = TagsField(
        label=_("Allowed networks"),
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "10.20.0.0/16"}),
        help_text=_(
            "Private networks on which cameras of this site live, parted by commas. Cameras in other private "
            "networks are refused."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = _zone_choices(_("Choose"))  # type: ignore[attr-defined]


class GroupForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    cameras = forms.ModelMultipleChoiceField(
        label=_("Cameras"),
        queryset=Camera.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cameras"].queryset = site.cameras.order_by("name")  # type: ignore[attr-defined]

    @staticmethod
    def values_of(group: CameraGroup) -> dict[str, Any]:
        return {"name": group.name, "cameras": list(group.cameras.values_list("pk", flat=True))}
