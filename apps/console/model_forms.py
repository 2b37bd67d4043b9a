"""The form that founds a family of models."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.registry.families import FILE_TASKS, LEAST_SIDE, MOST_SIDE, FamilyFacts
from inference_workers.contracts.families import DECODERS


def _decoders() -> list[tuple[str, list[tuple[str, str]]]]:
    return [(str(task.label), [(name, name) for name in DECODERS[task]]) for task in FILE_TASKS]


class FamilyForm(forms.Form):
    """What the versions of a family promise. The service says what does not fit together."""

    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("1 to 80 small letters, digits, dots, dashes and underscores, such as gates-2."),
    )
    task = forms.ChoiceField(label=_("Task"), choices=[(task.value, task.label) for task in FILE_TASKS])
    postprocess = forms.ChoiceField(
        label=_("Post-processing"),
        choices=_decoders,
        help_text=_("How the answers of its graphs are read. It has to belong to the task."),
    )
    classes = forms.CharField(
        label=_("Classes"),
        widget=forms.Textarea(attrs={"rows": 8}),
        max_length=200_000,
        help_text=_("One a line, in the order of the graph’s answers: another order is another family."),
    )
    min_side = forms.IntegerField(
        label=_("Smallest side of its input, px"),
        initial=LEAST_SIDE,
        min_value=LEAST_SIDE,
        max_value=MOST_SIDE,
    )
    max_side = forms.IntegerField(
        label=_("Largest side of its input, px"), initial=MOST_SIDE, min_value=LEAST_SIDE, max_value=MOST_SIDE
    )
    description = forms.CharField(label=_("Description"), required=False, max_length=500)

    def clean_classes(self) -> tuple[str, ...]:
        lines = [line.strip() for line in self.cleaned_data["classes"].splitlines()]
        names = tuple(line for line in lines if line)
        if too_long := next((name for name in names if len(name) > 80), None):
            raise forms.ValidationError(_("A class has at most 80 characters: %s…") % too_long[:20])
        return names

    def facts(self) -> FamilyFacts:
        values: dict[str, Any] = self.cleaned_data
        return FamilyFacts(**values)
