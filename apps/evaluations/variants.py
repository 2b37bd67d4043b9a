"""Variants of a version and their gate: at most one point of mAP may be lost against the parent."""

import re
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.core.errors import Conflict, Invalid
from apps.evaluations.comparing import comparison_plan
from apps.evaluations.models import ACTIVE_STATES, Evaluation, Gate, JobKind, JobState, SetState, SetVersion
from apps.evaluations.sending import evaluations_send
from apps.registry.assigning import variant_judged
from apps.registry.models import ModelVersion
from inference_workers.contracts.evaluations import VariantKind

MAX_LOSS = 0.01  # one point of mAP 0.5:0.95
LEAST_CALIBRATION, MOST_CALIBRATION, USUAL_CALIBRATION = 8, 100, 48
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


def variant_create(
    *,
    acting_user: User,
    parent: ModelVersion,
    kind: str,
    calibration_set: SetVersion,
    gate_set: SetVersion | None = None,
    calibration: int = USUAL_CALIBRATION,
) -> Evaluation:
    """Let the data plane make a variant; when it is there it is measured against its parent by itself."""
    require(acting_user, Capability.EVALUATE_MODELS)
    gate_set = gate_set or calibration_set
    _require_known(kind, calibration)
    for version in (calibration_set, gate_set):
        if version.state != SetState.READY:
            raise Conflict("set_not_ready", _("The labelled set is not ready: it is checked first."))
    name = _free_name(f"{parent.name}.{kind}")
    if not _NAME.fullmatch(name):
        raise Invalid(
            "invalid_name", _("The version's name is too long for a variant of it."), field="parent"
        )
    with transaction.atomic():
        if Evaluation.objects.filter(
            kind=JobKind.VARIANT, candidate=parent, options__kind=kind, state__in=ACTIVE_STATES
        ).exists():
            raise Conflict("variant_under_way", _("This variant is being made already."))
        job = Evaluation.objects.create(
            kind=JobKind.VARIANT,
            created_by=acting_user,
            set_version=calibration_set,
            set_name=str(calibration_set),
            candidate=parent,
            options={
                "kind": kind, "name": name, "calibration": calibration, "gate_set": str(gate_set.pk),
            },
            gate=Gate.OPEN,
        )  # fmt: skip
        audit.record_change(
            action="evaluation.create",
            object_type="evaluation",
            object_id=str(job.pk),
            details={"kind": job.kind, "parent": parent.sha256, "options": job.options},
            acting_user=acting_user,
        )
        transaction.on_commit(evaluations_send, robust=True)
    return job


def _free_name(stem: str) -> str:
    """A name in the model directory means its bytes for ever; another calibration is another file."""
    taken = set(ModelVersion.objects.filter(name__startswith=stem).values_list("name", flat=True))
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return stem if stem not in taken else next(name for name in numbered if name not in taken)


def _require_known(kind: str, calibration: int) -> None:
    known = [item.value for item in VariantKind]
    if kind not in known:
        message = _("kind: expected one of %(known)s, got “%(got)s”.")
        raise Invalid("invalid_kind", message % {"known": ", ".join(known), "got": kind[:40]}, field="kind")
    if not LEAST_CALIBRATION <= calibration <= MOST_CALIBRATION:
        message = _("calibration: expected %(least)d to %(most)d pictures, got %(got)d.")
        values = {"least": LEAST_CALIBRATION, "most": MOST_CALIBRATION, "got": calibration}
        raise Invalid("invalid_calibration", message % values, field="calibration")


def gates_open() -> int:
    """Variants that the data plane has announced by now are compared with their parents; returns how many."""
    waiting = Evaluation.objects.filter(
        kind=JobKind.VARIANT, state=JobState.DONE, gate=Gate.OPEN, made=None
    ).select_related("candidate", "created_by")
    return sum(_gate_open(job.pk) for job in waiting)


def _gate_open(job_id: UUID) -> bool:
    with transaction.atomic():
        job = Evaluation.objects.select_for_update(of=("self",)).select_related("candidate").get(pk=job_id)
        made = ModelVersion.objects.filter(sha256=job.output_sha256, present=True, problem="").first()
        gate_set = _set_now(job.options["gate_set"])
        if job.made_id is not None or made is None or job.candidate is None:
            return False
        Evaluation.objects.filter(pk=job.pk).update(made=made)
        if gate_set is None:
            return False
        comparison_plan(
            candidate=made,
            base=job.candidate,
            set_version=gate_set,
            created_by=job.created_by,
            variant_of=job,
        )
    return True


def _set_now(set_version_id: str) -> SetVersion | None:
    """The version that was asked for, or what is left of it after an erasure."""
    found = SetVersion.objects.filter(pk=set_version_id).first()
    while found is not None and found.state == SetState.ERASED:
        found = found.replaced_by
    return found if found is not None and found.state == SetState.READY else None


def gate_decide(comparison: Evaluation) -> None:
    """Inside the transaction in which a comparison was done: pass or refuse the variant that it judges."""
    job = comparison.variant_of
    if job is None or job.gate != Gate.OPEN:
        return
    loss = float(comparison.summary["base_ap"]) - float(comparison.summary["candidate_ap"])
    gate = Gate.PASSED if loss <= MAX_LOSS else Gate.REFUSED
    Evaluation.objects.filter(pk=job.pk).update(gate=gate)
    if comparison.candidate is not None:
        variant_judged(version=comparison.candidate, passed=gate is Gate.PASSED)
    audit.record_system(
        action="evaluation.gate",
        object_type="evaluation",
        object_id=str(job.pk),
        details={
            "gate": gate.value,
            "loss": round(loss, 6),
            "limit": MAX_LOSS,
            "variant": job.output_sha256,
            "parent": job.candidate.sha256 if job.candidate else None,
        },
    )
