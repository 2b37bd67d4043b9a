"""The forms of the register of purposes. The services check again and decide."""

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera, Zone
from apps.consent.hours import DAYS, spans_parsed, spans_shown
from apps.consent.models import LawfulBasis, Purpose, PurposeStage
from apps.console.camera_forms import TagsField
from apps.console.forms import MomentField, aware
from apps.core.errors import DomainError
from apps.retention.models import RetentionClass

_DAY_WORDS = (
    *(_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday")),
    *(_("Friday"), _("Saturday"), _("Sunday")),
)
DAY_WORDS = dict(zip(DAYS, _DAY_WORDS, strict=True))
_TEXTS = ("purpose", "lawful_basis", "interest", "controller", "controller_contact", "dpia_reference")


class SpansField(forms.CharField):
    """The opening hours of one day, as “08:00-12:00, 13:00-18:00”."""

    def clean(self, value: Any) -> Any:
        try:
            return spans_parsed(super().clean(value))
        except DomainError as error:
            raise forms.ValidationError(error.message) from error


class PurposeForm(forms.Form):
    """One entry; times are in the zone of its camera."""

    purpose = forms.CharField(
        label=_("Purpose"),
        max_length=300,
        help_text=_("What the camera is for, as the people in front of it are told."),
    )
    lawful_basis = forms.ChoiceField(
        label=_("Lawful basis"),
        choices=[("", _("Choose")), *LawfulBasis.choices],
        help_text=_("One of GDPR Art. 6 (1). Consent is seldom the right one where people cannot refuse."),
    )
    interest = forms.CharField(
        label=_("Legitimate interest"),
        required=False,
        max_length=300,
        help_text=_("Only for the basis of this name: which interest it is."),
    )
    subjects = TagsField(
        label=_("Persons whose consent is needed"),
        required=False,
        help_text=_("Only for consent: their references, parted by commas. One withdrawal stops the entry."),
    )
    stages = forms.MultipleChoiceField(
        label=_("What it allows"), choices=PurposeStage.choices, widget=forms.CheckboxSelectMultiple
    )
    controller = forms.CharField(label=_("Controller"), max_length=200)
    controller_contact = forms.CharField(label=_("Contact"), max_length=200)
    dpia_reference = forms.CharField(
        label=_("Impact assessment"),
        required=False,
        max_length=120,
        help_text=_("Number or place of the data protection impact assessment."),
    )
    retention_class = forms.ChoiceField(label=_("Retention class"))
    valid_from = MomentField(label=_("Valid from"), help_text=_("Empty: from now on."))
    valid_until = MomentField(label=_("Valid until"), help_text=_("Empty: without end."))
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, classes: list[RetentionClass], zone_name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone_name = zone_name
        self.fields["retention_class"].choices = [  # type: ignore[attr-defined]
            (row.code, f"{row.name} ({row.hours} h)") for row in classes
        ]
        for day in DAYS:
            self.fields[day] = SpansField(
                label=DAY_WORDS[day],
                required=False,
                max_length=120,
                widget=forms.TextInput(attrs={"placeholder": "08:00-18:00"}),
            )

    def day_fields(self) -> list[forms.BoundField]:
        return [self[day] for day in DAYS]

    def plain_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in (*DAYS, "zone")]

    def values(self, stored: Purpose | None = None) -> dict[str, Any]:
        """What the services take as the fields of an entry; the seconds of `stored` times are kept."""
        data = self.cleaned_data
        moments = {name: aware(data[name], self.zone_name) for name in ("valid_from", "valid_until")}
        for name, moment in moments.items():
            before = getattr(stored, name, None)
            if before is not None and moment == before.replace(second=0, microsecond=0):
                moments[name] = before
        if moments["valid_from"] is None:
            del moments["valid_from"]
        hours = {day: data[day] for day in DAYS if data.get(day)}
        texts = {name: data[name] for name in (*_TEXTS, "retention_class", "stages")}
        return {**texts, **moments, "opening_hours": hours}

    @staticmethod
    def initial_of(purpose: Purpose, zone_name: str) -> dict[str, Any]:
        zone = ZoneInfo(zone_name)
        hours = {day: spans_shown(spans) for day, spans in purpose.opening_hours.items()}
        until = purpose.valid_until
        return {
            name: getattr(purpose, name) for name in (*_TEXTS, "retention_class", "stages", "version")
        } | {
            "valid_from": purpose.valid_from.astimezone(zone),
            "valid_until": until.astimezone(zone) if until else None,
            "subjects": [subject.reference for subject in purpose.subjects.all()],
            **hours,
        }


class PurposeAddForm(PurposeForm):
    """A new entry of one camera, or of one of its zones."""

    zone = forms.ModelChoiceField(
        label=_("Zone"),
        queryset=Zone.objects.none(),
        required=False,
        empty_label=_("The whole camera"),
        help_text=_("An entry of a zone narrows what is done there."),
    )

    def __init__(self, *args: Any, camera: Camera, **kwargs: Any) -> None:
        super().__init__(*args, zone_name=camera.zone_name, **kwargs)
        self.fields["zone"].queryset = camera.zones.order_by("name")  # type: ignore[attr-defined]


class PurposeFilters(forms.Form):
    camera = forms.ChoiceField(label=_("Camera"), required=False)
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("Open entries")), ("ended", _("Ended entries")), ("all", _("All"))],
    )
    text = forms.CharField(
        label=_("Text"), required=False, max_length=100, widget=forms.TextInput(attrs={"type": "search"})
    )

    def __init__(self, *args: Any, cameras: list[Camera], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["camera"].choices = [  # type: ignore[attr-defined]
            ("", _("All cameras")),
            *((str(camera.pk), f"{camera.name} ({camera.site.name})") for camera in cameras),
        ]

    def criteria(self) -> dict[str, Any]:
        """What `purposes_search` takes; a filter that is wrong is left out."""
        self.is_valid()
        state = self.cleaned_data.get("state", "")
        return {
            "camera": self.cleaned_data.get("camera") or None,
            "ended": None if state == "all" else state == "ended",
            "text": self.cleaned_data.get("text", ""),
        }
