"""Words of comparisons: verdicts and the rule behind them, for people."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.evaluations.models import Evaluation, JobState

TONES = {
    JobState.QUEUED: "", JobState.RUNNING: "", JobState.DONE: "ok", JobState.FAILED: "bad",
    JobState.CANCELLED: "warn",
}  # fmt: skip
VERDICT_TONES = {"better": "ok", "equal": "ok", "worse": "bad", "unclear": "warn"}
GATE_TONES = {"open": "warn", "passed": "ok", "refused": "bad"}
REASONS: dict[str, str | Promise] = {
    "must_pass": gettext_lazy("It misses an object on a picture that must pass."),
    "mean": gettext_lazy("The whole interval of the mean lies on one side of zero."),
    "part": gettext_lazy("A part was lost, whatever the mean says: see the rows in red."),
    "margin": gettext_lazy("The whole interval lies within the margin that nobody needs to care about."),
    "interval": gettext_lazy("The interval is too wide to tell: more labelled pictures are needed."),
}
_NAMES: dict[str, str | Promise] = {
    "small": gettext_lazy("small"),
    "medium": gettext_lazy("medium"),
    "large": gettext_lazy("large"),
    "day": gettext_lazy("day"),
    "night": gettext_lazy("night"),
    "all": gettext_lazy("the whole set"),
    "f1": gettext_lazy("F1 at the serving score"),
}


def part_words(kind: str, name: str) -> str:
    return str(_NAMES.get(name, name)) if kind in ("size", "light", "all", "serving") else name


def reason_of(evaluation: Evaluation) -> str:
    return str(REASONS.get(str(evaluation.words.get("reason", "")), ""))


def title_of(evaluation: Evaluation) -> str:
    """One line that names a job."""
    names: dict[str, Any] = {
        "candidate": evaluation.candidate.name if evaluation.candidate else "",
        "base": evaluation.base.name if evaluation.base else "",
        "set": evaluation.set_name,
        "kind": evaluation.options.get("kind", ""),
    }
    texts = {
        "check": "%(set)s",
        "measure": _("%(candidate)s on %(set)s"),
        "compare": _("%(candidate)s against %(base)s"),
        "replay": _("%(candidate)s against %(base)s"),
        "variant": _("%(kind)s of %(candidate)s"),
        "gate": _("%(kind)s of %(candidate)s"),
    }
    return texts[evaluation.kind] % names
