"""The forms of unmasking."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera
from apps.console.forms import MomentField, aware
from apps.console.purposes import PURPOSES
from apps.detections.models import Event
from apps.unmasking.services.requests import Wanted

DEFAULT_PURPOSE = "incident investigation"


class SecondField(MomentField):
    """A local date and time to the second."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.required = True
        self.widget = forms.DateTimeInput(
            attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"
        )
        self.input_formats = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]


class UnmaskForm(forms.Form):
    since = SecondField(label=_("From"))
    until = SecondField(label=_("Until"))
    only_track = forms.BooleanField(
        label=_("Only the person of this event; everybody else stays covered"), required=False, initial=True
    )
    purpose = forms.ChoiceField(label=_("Purpose"), choices=list(PURPOSES.items()), initial=DEFAULT_PURPOSE)
    case = forms.CharField(label=_("Case"), max_length=80)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What you have to see and why covered pictures do not serve. A second person reads it."),
    )

    def __init__(self, *args: Any, camera: Camera, event: Event | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.camera, self.event = camera, event
        for name in ("since", "until"):
            self.fields[name].help_text = camera.zone_name
        if event is None:
            del self.fields["only_track"]

    def wanted(self) -> Wanted:
        data = self.cleaned_data
        zone = self.camera.zone_name
        since, until = aware(data["since"], zone), aware(data["until"], zone)
        if since is None or until is None:
            raise ValueError("the form asks for both times")
        person = self.event if self.event is not None and data.get("only_track") else None
        track = (person.track_id, person.epoch) if person is not None else (None, "")
        return Wanted(since, until, data["purpose"], data["case"], data["reason"], *track)


class NoteForm(forms.Form):
    note = forms.CharField(label=_("Note"), required=False, max_length=500)
