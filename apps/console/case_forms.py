"""The forms of requests of data subjects. The services check again and decide."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera
from apps.cases.models import CaseKind, DisclosureForm, IdentityMethod, IdentityOutcome, Outcome, ReceivedHow
from apps.cases.search import Terms
from apps.cases.services import Given, Received
from apps.console.forms import COLOURS_GUESSED, MomentField, aware, colour_field
from apps.console.label_words import label_words

ZONE = "UTC"


def _moment(value: datetime | None) -> datetime:
    moment = aware(value, ZONE)
    if moment is None:
        raise ValueError("the form asks for this moment")
    return moment


class NeededMoment(MomentField):
    """A date and time in UTC that must be given."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(help_text="UTC", **kwargs)
        self.required = True


class CaseForm(forms.Form):
    kind = forms.ChoiceField(label=_("Request"), choices=CaseKind.choices)
    received_at = NeededMoment(label=_("Received"))
    received_how = forms.ChoiceField(label=_("Received how"), choices=ReceivedHow.choices)
    subject = forms.CharField(
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
    asked = forms.CharField(
        label=_("What is asked for"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Times, places and clothes that help to find the person. No names."),
    )

    def received(self) -> Received:
        data = self.cleaned_data
        return Received(
            kind=data["kind"],
            received_at=_moment(data["received_at"]),
            received_how=data["received_how"],
            asked=data["asked"],
            subject=data["subject"],
            contact=data["contact"],
        )


class CaseFilters(forms.Form):
    text = forms.CharField(
        label=_("Reference"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    kind = forms.ChoiceField(label=_("Request"), required=False, choices=[("", _("All")), *CaseKind.choices])
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("Open")), ("closed", _("Closed")), ("all", _("All"))],
    )

    def criteria(self) -> dict[str, Any]:
        """What `cases_search` takes; a filter that is wrong is left out."""
        self.is_valid()
        data = self.cleaned_data
        closed = {"closed": True, "all": None}.get(data.get("state", ""), False)
        return {"text": data.get("text", ""), "kind": data.get("kind", ""), "closed": closed}


class IdentityForm(forms.Form):
    method = forms.ChoiceField(label=_("Checked how"), choices=IdentityMethod.choices)
    outcome = forms.ChoiceField(label=_("Outcome"), choices=IdentityOutcome.choices[1:])
    note = forms.CharField(label=_("Note"), required=False, max_length=300)


class ExtendForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason of the extension"),
        max_length=500,
        help_text=_("Only for complex or many requests; two months more, once."),
    )
    notified_at = NeededMoment(label=_("Person told of it"))

    def values(self) -> dict[str, Any]:
        return {
            "reason": self.cleaned_data["reason"],
            "notified_at": _moment(self.cleaned_data["notified_at"]),
        }


class CloseForm(forms.Form):
    outcome = forms.ChoiceField(label=_("Outcome"), choices=Outcome.choices[1:])
    note = forms.CharField(
        label=_("What was answered"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )


class CaseSearchForm(forms.Form):
    """When, where, and what the person looked like; times are in `zone_name`."""

    since = MomentField(label=_("From"))
    until = MomentField(label=_("Until"))
    cameras = forms.MultipleChoiceField(
        label=_("Cameras"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None: all of them."),
    )
    label = forms.ChoiceField(label=_("Class"), required=False)
    upper = colour_field(_("Upper clothing"), help_text=COLOURS_GUESSED)
    lower = colour_field(_("Lower clothing"), help_text=COLOURS_GUESSED)
    text = forms.CharField(
        label=_("Text"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Class or reading")}),
    )

    def __init__(
        self, *args: Any, cameras: list[Camera], labels: list[str], zone_name: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.zone_name = zone_name
        self.fields["cameras"].choices = [(str(camera.pk), camera.name) for camera in cameras]  # type: ignore[attr-defined]
        self.fields["label"].choices = [  # type: ignore[attr-defined]
            ("", _("All classes")),
            *((label, label_words(label)) for label in labels),
        ]
        for name in ("since", "until"):
            self.fields[name].required = True
            self.fields[name].help_text = zone_name

    def terms(self) -> Terms:
        data = self.cleaned_data
        since, until = aware(data["since"], self.zone_name), aware(data["until"], self.zone_name)
        if since is None or until is None:
            raise ValueError("the form asks for both times")
        return Terms(
            since=since,
            until=until,
            cameras=tuple(UUID(key) for key in data["cameras"]),
            label=data["label"],
            text=data["text"],
            upper=data["upper"],
            lower=data["lower"],
        )


class PrepareForm(forms.Form):
    form = forms.ChoiceField(label=_("Form"), choices=DisclosureForm.choices)
    language = forms.ChoiceField(label=_("Language of the pack"), choices=settings.LANGUAGES)


class GivenForm(forms.Form):
    receipt = forms.CharField(
        label=_("Receipt"),
        max_length=500,
        help_text=_("How it was handed over and how the person confirmed it."),
    )
    present = forms.CharField(label=_("Who was there"), required=False, max_length=300)
    since = MomentField(label=_("From"), help_text="UTC")
    until = MomentField(label=_("Until"), help_text="UTC")

    def given(self) -> Given:
        data = self.cleaned_data
        since, until = aware(data["since"], ZONE), aware(data["until"], ZONE)
        return Given(data["receipt"], data["present"], since, until)
