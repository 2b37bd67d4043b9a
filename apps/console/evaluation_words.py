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
# What went wrong and who can help; a code without words keeps what the data plane said.
ERRORS: dict[str, str | Promise] = {
    "worker_lost": gettext_lazy(
        "No worker finished this in several attempts. Ask for it again; the worker’s log says more to an "
        "administrator."
    ),
    "worker_died": gettext_lazy(
        "The process that did this ended early, most often for want of memory. Ask for it again; the "
        "worker’s log says more to an administrator."
    ),
    "deadline_passed": gettext_lazy(
        "It took longer than is allowed. Ask for it again when the machine has less to do."
    ),
    "memory_short": gettext_lazy("The worker does not have enough memory now. Try again later."),
    "disk_full": gettext_lazy("The worker’s disk is full. An administrator can free some of it."),
    "object_store_unreachable": gettext_lazy("The object store does not answer. An administrator can help."),
    "object_missing": gettext_lazy(
        "A picture, a recording or labels that this needs are not in the object store any more."
    ),
    "model_missing": gettext_lazy(
        "The file of a version is not in the model directory any more. An administrator installs it again."
    ),
    "model_wrong_hash": gettext_lazy(
        "The file of a version, or its side file, is not the one that was registered. An administrator "
        "installs it again."
    ),
    "set_changed": gettext_lazy(
        "The labels in the object store are not the ones that were imported. An administrator imports the "
        "set again."
    ),
    "picture_changed": gettext_lazy(
        "A picture in the object store is not the one that was imported. An administrator imports the set "
        "again."
    ),
    "recording_changed": gettext_lazy("A recording of this window is not what was recorded. Choose another."),
    "recording_unreadable": gettext_lazy("A recording of this window cannot be decoded. Choose another."),
    "calibration_short": gettext_lazy(
        "The set has too few pictures to calibrate on: choose one with eight at least."
    ),
    "variant_of_variant": gettext_lazy(
        "It is made of a version with fp32 numbers alone: choose the version that this one was made from."
    ),
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


def error_of(evaluation: Evaluation) -> str:
    return str(ERRORS.get(evaluation.error_code) or evaluation.error)


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
