"""The gate of whatever was made from another version: it serves nothing before it was compared with that one.

A variant job names the set of its gate. For a file that somebody uploaded or put into the model directory a
set is chosen: one on which the parent was measured already, else the newest with a class of the parent.
"""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.evaluations.comparing import comparison_plan, gate_job
from apps.evaluations.models import (
    ACTIVE_STATES,
    GATED_KINDS,
    Evaluation,
    Gate,
    JobKind,
    JobState,
    SetState,
    SetVersion,
)
from apps.evaluations.variants import MAX_LOSS, set_now
from apps.registry.models import ModelTask, ModelVersion, VersionStatus


@dataclass(frozen=True, slots=True)
class GateState:
    """Where the gate of a version stands: `words` for people, `comparison` that judges or judged it."""

    gate: str
    words: str
    comparison: Evaluation | None = None


def gates_open() -> int:
    """Compare what waits with its parent, as far as both are there and a set is; returns how many."""
    refused = Evaluation.objects.filter(kind__in=GATED_KINDS, gate=Gate.OPEN, made__status="refused")
    refused.update(gate=Gate.REFUSED)  # by the checks: nobody needs to measure it
    return sum(_gate_open(version) for version in _waiting())


def _waiting() -> QuerySet[ModelVersion]:
    compared = Evaluation.objects.filter(kind=JobKind.COMPARE, variant_of__isnull=False)
    waiting = ModelVersion.objects.filter(
        Q(parent__present=True, parent__problem=""), status=VersionStatus.GATED, present=True, problem="",
        task=ModelTask.DETECTION,
    )  # fmt: skip
    return waiting.exclude(pk__in=compared.values("candidate")).select_related("parent")


def _gate_open(version: ModelVersion) -> bool:
    set_version = gate_set(version)
    if set_version is None or version.parent is None:
        return False
    with transaction.atomic():
        locked = ModelVersion.objects.select_for_update().get(pk=version.pk)
        if locked.status != VersionStatus.GATED:
            return False
        job = gate_job(version)
        comparison_plan(
            candidate=version,
            base=version.parent,
            set_version=set_version,
            created_by=job.created_by,
            variant_of=job,
        )
    return True


def gate_set(version: ModelVersion) -> SetVersion | None:
    """The labelled set on which a waiting version is compared with its parent; None: none fits."""
    ready = SetVersion.objects.filter(state=SetState.READY)
    job = Evaluation.objects.filter(made=version, kind=JobKind.VARIANT).first()
    if job is not None or version.parent is None:
        return set_now(str(job.options["gate_set"])) if job else None
    measured = set(
        Evaluation.objects.filter(
            kind=JobKind.MEASURE, state=JobState.DONE, candidate=version.parent
        ).values_list("set_version", flat=True)
    )
    known = set(version.parent.classes)
    fits = [row for row in ready.order_by("-created_at", "-pk") if known & set(row.classes)]
    return min(fits, key=lambda row: row.pk not in measured, default=None)


def gate_state(version: ModelVersion) -> GateState | None:
    """What the page and the API say of a version that has, or had, a gate; None: it needs none."""
    comparison = (
        Evaluation.objects.filter(kind=JobKind.COMPARE, candidate=version, variant_of__isnull=False)
        .select_related("variant_of", "base")
        .order_by("-created_at", "-pk")
        .first()
    )
    if comparison is not None and comparison.variant_of is not None:
        return GateState(comparison.variant_of.gate, _judged(comparison), comparison)
    if version.status == VersionStatus.GATED:
        return GateState(Gate.OPEN, _missing(version))
    return None


def _judged(comparison: Evaluation) -> str:
    """Of a gate that has a comparison."""
    gate = comparison.variant_of.gate if comparison.variant_of else ""
    values = {"base": comparison.base.name if comparison.base else "", "set": comparison.set_name}
    if gate == Gate.OPEN and comparison.state in ACTIVE_STATES:
        return _("It is being compared with %(base)s on %(set)s.") % values
    if gate == Gate.OPEN and comparison.state == JobState.DONE:
        return _("On %(set)s its parent %(base)s finds nothing, so nobody can say what it lost: compare it "
                 "with %(base)s on a set that has its classes.") % values  # fmt: skip
    if gate == Gate.OPEN:
        return _("The comparison with %(base)s on %(set)s failed: ask for it again.") % values
    loss = float(comparison.summary["base_ap"]) - float(comparison.summary["candidate_ap"])
    values |= {"loss": f"{loss * 100:+.1f}", "limit": f"{MAX_LOSS * 100:.1f}"}
    if gate == Gate.PASSED:
        sentence = _("Passed: %(loss)s points of mAP lost against %(base)s on %(set)s; %(limit)s may be.")
    else:
        sentence = _("Refused: %(loss)s points of mAP lost against %(base)s on %(set)s; %(limit)s may be.")
    return sentence % values


def _missing(version: ModelVersion) -> str:
    """Why a version that waits is not being compared yet, and who can help."""
    parent = version.parent
    if parent is None:
        return _("Its parent is not known here: upload or install the version that it was made from.")
    if version.task != ModelTask.DETECTION:
        return _("Only detectors can be compared on labelled sets: it cannot serve as a variant. Upload it "
                 "without a parent, as a version of its own.")  # fmt: skip
    if not version.present or version.problem:
        return _("It is compared as soon as its file lies in the model directory.")
    if not parent.present or parent.problem:
        return _("Its parent %s is not in the model directory: the comparison needs both.") % parent.name
    return _set_missing(version, parent)


def _set_missing(version: ModelVersion, parent: ModelVersion) -> str:
    if gate_set(version) is not None:
        return _("It is compared with its parent %s within a minute.") % parent.name
    if SetVersion.objects.filter(state=SetState.READY).exists():
        return _("No labelled set has a class of its parent %s. An administrator adds one: "
                 "manage.py datasets add.") % parent.name  # fmt: skip
    return _("There is no labelled set to compare it on. An administrator adds one: "
             "manage.py datasets add.")  # fmt: skip
