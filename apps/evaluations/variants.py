"""Variants of a version and their gate: at most one point of mAP may be lost against the parent."""

import re

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.core.errors import Conflict, Invalid
from apps.evaluations.comparing import require_detector
from apps.evaluations.models import ACTIVE_STATES, Evaluation, Gate, JobKind, SetState, SetVersion
from apps.evaluations.sending import evaluations_send
from apps.registry.assigning import variant_judged
from apps.registry.models import ModelVersion
from apps.registry.versions import MadeFile, free_name, version_made
from inference_workers.contracts.evaluations import EvaluationReply, VariantKind, made_key

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
    require_detector(parent)
    if parent.builtin:
        message = _("%s comes with an installed package: there is no file to make a variant of.")
        raise Invalid("version_builtin", message % parent.name, field="version")
    for version in (calibration_set, gate_set):
        if version.state != SetState.READY:
            raise Conflict("set_not_ready", _("The labelled set is not ready: it is checked first."))
    name = free_name(f"{parent.name}.{kind}")
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


def _require_known(kind: str, calibration: int) -> None:
    known = [item.value for item in VariantKind]
    if kind not in known:
        message = _("kind: expected one of %(known)s, got “%(got)s”.")
        raise Invalid("invalid_kind", message % {"known": ", ".join(known), "got": kind[:40]}, field="kind")
    if not LEAST_CALIBRATION <= calibration <= MOST_CALIBRATION:
        message = _("calibration: expected %(least)d to %(most)d pictures, got %(got)d.")
        values = {"least": LEAST_CALIBRATION, "most": MOST_CALIBRATION, "got": calibration}
        raise Invalid("invalid_calibration", message % values, field="calibration")


def variant_arrived(job: Evaluation, message: EvaluationReply) -> None:
    """Inside the recorder's transaction: the made file goes the way of an upload, and its gate stays open."""
    if job.candidate is None:
        return
    made = MadeFile(
        name=str(job.options["name"]),
        key=made_key(str(job.pk)),
        sha256=message.output_sha256,
        size_bytes=int(message.summary.get("bytes", 0)),
        side_file=message.side_file,
        kind=str(job.options["kind"]),
    )
    version = version_made(parent=job.candidate, made=made, created_by=job.created_by)
    Evaluation.objects.filter(pk=job.pk).update(made=version)


def set_now(set_version_id: str) -> SetVersion | None:
    """The version that was asked for, or what is left of it after an erasure."""
    found = SetVersion.objects.filter(pk=set_version_id).first()
    while found is not None and found.state == SetState.ERASED:
        found = found.replaced_by
    return found if found is not None and found.state == SetState.READY else None


def gate_decide(comparison: Evaluation) -> None:
    """Inside the transaction in which a comparison was done: pass or refuse the version that it judges.

    On a set on which the parent finds nothing nobody can say what was lost: the gate stays open.
    """
    job = comparison.variant_of
    if job is None or job.gate != Gate.OPEN or float(comparison.summary["base_ap"]) <= 0:
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
            "variant": comparison.candidate.sha256 if comparison.candidate else job.output_sha256,
            "parent": job.candidate.sha256 if job.candidate else None,
        },
    )
