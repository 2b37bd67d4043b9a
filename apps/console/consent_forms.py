"""The forms of consents. The services check again and decide."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera, CameraGroup
from apps.consent.models import GivenHow, Purpose, PurposeStage
from apps.console.forms import MomentField, aware

_SCOPE = ("cameras", "groups", "purposes")
_FIELDS = ("stages", "notice_version", "notice_text", "language", "given_how", "given_to")


class ConsentForm(forms.Form):
    """What a person agreed to; times are in `zone_name`."""

    reference = forms.CharField(
        label=_("Reference of the person"),
        required=False,
        max_length=40,
        help_text=_(
            "Empty: a new one is made up. Never a name: the list that leads to names is kept elsewhere."
        ),
    )
    contact = forms.CharField(
        label=_("How to reach the person"),
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Stored encrypted; whoever looks at it later is on record."),
    )
    cameras = forms.ModelMultipleChoiceField(
        label=_("Cameras"),
        queryset=Camera.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    groups = forms.ModelMultipleChoiceField(
        label=_("Camera groups"),
        queryset=CameraGroup.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    purposes = forms.ModelMultipleChoiceField(
        label=_("Entries of the register"),
        queryset=Purpose.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Only entries that stand on consent."),
    )
    stages = forms.MultipleChoiceField(
        label=_("What the person agreed to"),
        choices=PurposeStage.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    notice_version = forms.CharField(label=_("Version of the notice"), max_length=40)
    notice_text = forms.CharField(
        label=_("Text of the notice"),
        max_length=20_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Exactly what the person was given; its hash goes into the record."),
    )
    language = forms.CharField(label=_("Language of the notice"), max_length=8, initial="en")
    given_how = forms.ChoiceField(label=_("Given how"), choices=GivenHow.choices)
    given_to = forms.CharField(
        label=_("Given to"), max_length=150, help_text=_("Who took it: an office or a role.")
    )
    given_at = MomentField(label=_("Given"), help_text=_("Empty: now."))
    expires_at = MomentField(label=_("Expires"))
    document = forms.FileField(
        label=_("Document"),
        required=False,
        help_text=_("PDF, JPEG or PNG, at most 10 MB. It is stored encrypted."),
    )

    def __init__(
        self, *args: Any, cameras: Any, groups: Any, purposes: Any, zone_name: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.zone_name = zone_name
        for name, rows in zip(_SCOPE, (cameras, groups, purposes), strict=True):
            self.fields[name].queryset = rows  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """What `consent_record` takes as the fields of a consent."""
        data = self.cleaned_data
        moments = {name: aware(data[name], self.zone_name) for name in ("given_at", "expires_at")}
        if moments["given_at"] is None:
            del moments["given_at"]
        return {name: data[name] for name in _FIELDS} | moments

    def scope(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in _SCOPE}


class ConsentFilters(forms.Form):
    subject = forms.CharField(
        label=_("Reference"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("All")), ("standing", _("Standing")), ("over", _("Withdrawn, expired or to come"))],
    )

    def criteria(self) -> dict[str, Any]:
        """What `consents_search` takes; a filter that is wrong is left out."""
        self.is_valid()
        standing = {"standing": True, "over": False}.get(self.cleaned_data.get("state", ""))
        return {"subject": self.cleaned_data.get("subject", ""), "standing": standing}
