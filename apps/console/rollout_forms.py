"""The form of a rollout: versions, cameras, steps and guards."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera, CameraGroup, Site
from apps.console.rollout_words import LIMITS, METRICS
from apps.console.words import STAGES
from apps.registry.choice import STAGE_TASK
from apps.registry.models import ModelVersion
from apps.rollouts.guards import DEFAULT_GUARDS, FURTHER_GUARDS, SHADOW_GUARDS, Guard
from apps.rollouts.models import Strategy
from apps.rollouts.services import Plan
from apps.rollouts.services.plans import CANARY_STEPS

_PARTS = ("limit", "min_samples", "window_s")
_KEYS = ("sites", "groups", "cameras", "pinned", "excluded")


def _choices(rows: Iterable[Any]) -> list[tuple[str, str]]:
    return [(str(row.pk), str(row)) for row in rows]


class Several(forms.MultipleChoiceField):
    """Any number of choices, none of them too, each with a box to tick."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.CheckboxSelectMultiple, **kwargs)


class RolloutForm(forms.Form):
    """`guards()` gives the rows of the guards; a row without its tick is not guarded."""

    candidate = forms.ChoiceField(label=_("New version"))
    stage = forms.ChoiceField(
        label=_("Stage"),
        choices=[(stage.value, STAGES.get(stage.value, stage.value)) for stage in STAGE_TASK],
    )
    strategy = forms.ChoiceField(
        label=_("Strategy"), choices=Strategy.choices, widget=forms.RadioSelect, initial=Strategy.SHADOW
    )
    reason = forms.CharField(label=_("Why"), max_length=500)
    override = forms.CharField(
        label=_("Why in spite of the comparison"),
        required=False,
        max_length=500,
        help_text=_("Needed where the newest comparison calls the new version worse and it is no shadow."),
    )
    steps = forms.CharField(
        label=_("Steps in percent"),
        initial=", ".join(map(str, CANARY_STEPS)),
        help_text=_("Of a canary. The last step, 100, takes a second person."),
    )
    sites = Several(label=_("Only these sites"))
    groups = Several(label=_("Only these groups"))
    cameras = Several(label=_("Only these cameras"))
    pinned = Several(
        label=_("Always in"),
        help_text=_("In from the first step on, whatever the hash says."),
    )
    excluded = Several(label=_("Never in"))
    question = forms.CharField(
        label=_("Question of the A/B"),
        required=False,
        max_length=300,
        help_text=_("Such as: are fewer events called wrong? Both halves are compared by that."),
    )
    share = forms.FloatField(label=_("Expected share of wrong events"), initial=0.1, required=False)
    difference = forms.FloatField(
        label=_("Difference that has to show"),
        initial=0.05,
        required=False,
        help_text=_("How many events each half needs follows from both (5 % significance, 80 % power)."),
    )

    def __init__(
        self,
        *args: Any,
        versions: Iterable[ModelVersion],
        sites: Iterable[Site],
        groups: Iterable[CameraGroup],
        cameras: Iterable[Camera],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.versions = {str(version.pk): version for version in versions}
        of_cameras = _choices(cameras)
        choices = {
            "candidate": [(key, str(version)) for key, version in self.versions.items()],
            "sites": _choices(sites),
            "groups": _choices(groups),
            **dict.fromkeys(("cameras", "pinned", "excluded"), of_cameras),
        }
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]
        for guard in (*DEFAULT_GUARDS, *FURTHER_GUARDS):
            self._guard_fields(guard, on=guard in DEFAULT_GUARDS)

    def _guard_fields(self, guard: Guard, *, on: bool) -> None:
        name = guard.metric.value
        self.fields[f"{name}_on"] = forms.BooleanField(label=str(METRICS[name]), initial=on, required=False)
        self.fields[f"{name}_limit"] = forms.FloatField(label=_("Limit"), initial=guard.limit)
        self.fields[f"{name}_min_samples"] = forms.IntegerField(
            label=_("Least samples"), initial=guard.min_samples
        )
        self.fields[f"{name}_window_s"] = forms.IntegerField(label=_("Window, s"), initial=guard.window_s)

    def rows(self) -> list[dict[str, Any]]:
        """The guards for the table of the page."""
        return [
            {
                "metric": guard.metric.value,
                "words": LIMITS[guard.metric.value],
                "fields": [self[f"{guard.metric.value}_{part}"] for part in _PARTS],
                "on": self[f"{guard.metric.value}_on"],
            }
            for guard in (*DEFAULT_GUARDS, *FURTHER_GUARDS)
        ]

    def plain(self) -> list[forms.BoundField]:
        """The fields beside the guards."""
        return [self[name] for name in self.base_fields]

    def clean_steps(self) -> tuple[int, ...]:
        try:
            return tuple(int(part) for part in self.cleaned_data["steps"].replace("%", "").split(","))
        except ValueError as error:
            raise forms.ValidationError(_("Whole numbers with commas between them.")) from error

    def guards(self) -> tuple[Guard, ...]:
        """Those that are ticked. A shadow whose limits nobody touched gets the narrower ones of a shadow."""
        data = self.cleaned_data
        chosen = tuple(
            Guard(
                guard.metric,
                *(data[f"{guard.metric.value}_{part}"] for part in _PARTS),
            )
            for guard in (*DEFAULT_GUARDS, *FURTHER_GUARDS)
            if data[f"{guard.metric.value}_on"]
        )
        if data["strategy"] == Strategy.SHADOW and chosen == DEFAULT_GUARDS:
            return SHADOW_GUARDS
        return chosen

    def plan(self) -> Plan:
        data = self.cleaned_data
        keys: dict[str, Any] = {name: tuple(data[name]) for name in _KEYS}
        return Plan(
            stage=data["stage"],
            candidate=self.versions[data["candidate"]],
            strategy=data["strategy"],
            reason=data["reason"],
            override=data["override"],
            steps=data["steps"],
            guards=self.guards(),
            question=data["question"],
            share=data["share"] or 0.0,
            difference=data["difference"] or 0.0,
            **keys,
        )
