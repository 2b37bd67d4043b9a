"""The form of a cascade. It offers what fits; what is refused, the service refuses in its own words."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.models import User
from apps.cameras.models import Camera, Zone
from apps.cameras.selectors import zone_get, zones_of
from apps.console.label_words import label_words
from apps.registry.cascades import MAX_NAME, CascadeFacts, classifiers_for, labels_known
from apps.registry.models import Cascade, CascadeStage, ModelVersion
from apps.registry.selectors import version_get

EVERY_S = 5.0


class _LabelsField(forms.MultipleChoiceField):
    def valid_value(self, _value: Any) -> bool:
        """The service says what is wrong with another class: nobody finds it, or it is a face."""
        return True


class CascadeForm(forms.Form):
    stage = forms.ChoiceField(
        label=gettext_lazy("What is done"),
        choices=CascadeStage.choices,
        initial=CascadeStage.CLASSIFY,
        widget=forms.RadioSelect,
    )
    labels = _LabelsField(
        label=gettext_lazy("Classes of the detector"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("The crops of these go on. Faces never do."),
    )
    zone = forms.ChoiceField(label=gettext_lazy("Zone"), required=False)
    version = forms.ChoiceField(label=gettext_lazy("Classifier"), required=False)
    name = forms.CharField(
        label=gettext_lazy("Name of its answer"),
        required=False,
        max_length=MAX_NAME,
        help_text=gettext_lazy("Such as colour; it stands on events. Empty where text is read."),
    )
    every_s = forms.FloatField(
        label=gettext_lazy("Seconds until a thing is looked at again"),
        required=False,
        initial=f"{EVERY_S:g}",
        help_text=gettext_lazy("1 to 600; sooner when it has come clearly nearer."),
    )

    def __init__(
        self, user: User, camera: Camera, data: Any = None, *, cascade: Cascade | None = None
    ) -> None:
        super().__init__(data, initial=_values(cascade) if cascade else None)
        self._user, self._camera = user, camera
        fields: Any = self.fields
        fields["labels"].choices = _labels(cascade.labels if cascade else [])
        zones = [(str(zone.pk), _zone_words(zone)) for zone in zones_of(camera)]
        fields["zone"].choices = [("", _("The whole picture")), *zones]
        versions = classifiers_for(user)
        if cascade and cascade.version and cascade.version not in versions:
            versions.append(cascade.version)
        fields["version"].choices = [
            ("", _("none, text is read")),
            *((str(version.pk), _version_words(version)) for version in versions),
        ]

    def facts(self) -> CascadeFacts:
        """What the form asks for; ids become rows that this person may name. Raises NotFound."""
        given = self.cleaned_data
        version, zone, every_s = given["version"], given["zone"], given["every_s"]
        return CascadeFacts(
            stage=given["stage"],
            labels=tuple(given["labels"]),
            name=given["name"],
            version=version_get(self._user, version) if version else None,
            zone=zone_get(self._camera, zone) if zone else None,
            every_s=every_s if every_s is not None else EVERY_S,
        )


def _values(cascade: Cascade) -> dict[str, Any]:
    return {
        "stage": cascade.stage,
        "labels": cascade.labels,
        "zone": str(cascade.zone_id or ""),
        "version": str(cascade.version_id or ""),
        "name": cascade.name,
        "every_s": f"{cascade.every_s:g}",
    }


def _labels(chosen: list[str]) -> list[tuple[str, str]]:
    """What is chosen first, then the others in the order of their words."""
    others = set(labels_known()).difference(chosen)
    named = [sorted((label_words(label), label) for label in part) for part in (chosen, others)]
    return [(label, words) for part in named for words, label in part]


def _zone_words(zone: Zone) -> str:
    return f"{zone.name} · {zone.get_script_display()}" if zone.script else zone.name


def _version_words(version: ModelVersion) -> str:
    return f"{version.name} · {version.sha256[:8]}"
