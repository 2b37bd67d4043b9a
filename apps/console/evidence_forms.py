"""The form of an evidence pack, and its states in words."""

from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera
from apps.console.forms import aware
from apps.console.purposes import PURPOSES
from apps.console.unmask_forms import DEFAULT_PURPOSE, SecondField
from apps.detections.models import Event
from apps.evidence.models import EvidencePack, PackState
from apps.evidence.services import Wanted

TONES = {PackState.DONE: "ok", PackState.FAILED: "bad"}
ERRORS: dict[str, str | Promise] = {
    "nothing_recorded": _("Nothing that was recorded in this time is left."),
    "not_found": _("A file that was recorded is not in the object store any more."),
    "file_changed": _("A file is not the one that was recorded: its SHA-256 differs. No pack is made of it."),
    "exports_quarantined": _("Pictures of this camera let faces through, and nobody has reviewed the alert."),
    "pack_too_large": _("It would hold more than fits into one pack. Choose less time."),
    "pack_given_up": _("It was begun several times and never finished. An administrator can see why."),
    "objects_unavailable": _("The object store does not answer. It is tried again in half a minute."),
    "audit_unavailable": _("The record cannot be written. It is tried again in half a minute."),
}


def error_words(pack: EvidencePack) -> str:
    """Why there is no pack, or not yet; empty where all is well."""
    return str(ERRORS.get(pack.error_code, pack.error))


class PackForm(forms.Form):
    since = SecondField(label=_("From"))
    until = SecondField(label=_("Until"))
    purpose = forms.ChoiceField(label=_("Purpose"), choices=list(PURPOSES.items()), initial=DEFAULT_PURPOSE)
    case = forms.CharField(label=_("Case"), max_length=80)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Who asked for it, and what it shall show. It stands in the pack and in the record."),
    )

    def __init__(self, *args: Any, camera: Camera, event: Event | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.camera, self.event = camera, event
        for name in ("since", "until"):
            self.fields[name].help_text = camera.zone_name

    def wanted(self) -> Wanted:
        data = self.cleaned_data
        since, until = (aware(data[name], self.camera.zone_name) for name in ("since", "until"))
        if since is None or until is None:
            raise ValueError("the form asks for both times")
        event_id = self.event.pk if self.event is not None else None
        return Wanted(since, until, data["purpose"], data["case"], data["reason"], event_id)
