"""Forms that ask for comparisons, replays and variants."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.accounts.roles import Capability
from apps.cameras.selectors import cameras_for
from apps.evaluations.selectors import sets_ready, versions_measurable
from apps.evaluations.variants import LEAST_CALIBRATION, MOST_CALIBRATION, USUAL_CALIBRATION
from inference_workers.contracts.evaluations import VariantKind


class _VersionsForm(forms.Form):
    """Two versions out of those whose file is there."""

    candidate = forms.ChoiceField(label=_("New version"))
    base = forms.ChoiceField(label=_("Compared with"))

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = [(str(row.pk), f"{row.name} · {row.sha256[:8]}") for row in versions_measurable(user)]
        for name in ("candidate", "base"):
            field: Any = self.fields[name]
            field.choices = found


class ComparisonForm(_VersionsForm):
    labelled_set = forms.ChoiceField(label=_("Labelled set"))

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        field: Any = self.fields["labelled_set"]
        field.choices = [(str(row.pk), f"{row} · {row.pictures}") for row in sets_ready(user)]


class ReplayForm(_VersionsForm):
    camera = forms.ChoiceField(label=_("Camera"))
    since = forms.DateTimeField(
        label=_("From (UTC)"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=30, initial=5)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        field: Any = self.fields["camera"]
        cameras = cameras_for(user, Capability.EVALUATE_MODELS)
        field.choices = [(str(row.pk), f"{row.site.name}: {row.name}") for row in cameras]


class VariantForm(forms.Form):
    version = forms.ChoiceField(label=_("Made from"))
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[
            (VariantKind.INT8.value, _("int8: smaller and faster on most CPUs")),
            (VariantKind.FP16.value, _("fp16: for GPUs")),
            (VariantKind.CLEANED.value, _("cleaned graph: the same numbers")),
        ],
    )
    labelled_set = forms.ChoiceField(label=_("Calibrated and judged on"))
    calibration = forms.IntegerField(
        label=_("Pictures to calibrate on"),
        min_value=LEAST_CALIBRATION,
        max_value=MOST_CALIBRATION,
        initial=USUAL_CALIBRATION,
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions: Any = self.fields["version"]
        versions.choices = [
            (str(row.pk), row.name)
            for row in versions_measurable(user)
            if row.kind == "fp32" and not row.builtin
        ]
        labelled: Any = self.fields["labelled_set"]
        labelled.choices = [(str(row.pk), f"{row} · {row.pictures}") for row in sets_ready(user)]
