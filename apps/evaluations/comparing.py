"""Measurements, comparisons and replays: asked for by people, or by the gate of a variant."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera
from apps.core.clock import now
from apps.core.errors import Conflict, Invalid
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
from apps.evaluations.sending import evaluations_send
from apps.recordings.models import Segment
from apps.registry.choice import why_unusable
from apps.registry.models import ModelTask, ModelVersion, VersionStatus

MAX_WINDOW = timedelta(minutes=30)
MAX_SEGMENTS = 400
RESAMPLES, SEED, MARGIN = 1000, 1, 0.01
LEAST_RESAMPLES, MOST_RESAMPLES = 200, 2000
MOST_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Terms:
    """How a comparison is judged. `margin`: a difference of mAP that nobody needs to care about."""

    resamples: int = RESAMPLES
    seed: int = SEED
    margin: float = MARGIN


def comparison_create(
    *,
    acting_user: User,
    candidate: ModelVersion,
    base: ModelVersion,
    set_version: SetVersion,
    terms: Terms | None = None,
) -> Evaluation:
    """Compare two versions on a labelled set; measurements that are there already are used again."""
    require(acting_user, Capability.EVALUATE_MODELS)
    _require_detectors(candidate, base)
    if set_version.state != SetState.READY:
        raise Conflict("set_not_ready", _("The labelled set is not ready: it is checked first."))
    with transaction.atomic():
        job = comparison_plan(
            candidate=candidate,
            base=base,
            set_version=set_version,
            created_by=acting_user,
            terms=_checked(terms or Terms()),
            variant_of=_gate_of(candidate, base),
        )
        _record(acting_user, job, {"set": set_version.sha256})
    return job


def _gate_of(candidate: ModelVersion, base: ModelVersion) -> Evaluation | None:
    """The open gate of a version that waits for exactly this comparison, whoever asked for it."""
    if candidate.status != VersionStatus.GATED or candidate.parent_id != base.pk:
        return None
    return gate_job(candidate)


def gate_job(version: ModelVersion) -> Evaluation:
    """The job whose gate judges the version; made here for a file that the product did not make."""
    found = Evaluation.objects.filter(made=version, kind__in=GATED_KINDS, gate=Gate.OPEN).first()
    return found or Evaluation.objects.create(
        kind=JobKind.GATE,
        state=JobState.DONE,
        candidate=version.parent,
        made=version,
        output_sha256=version.sha256,
        options={"kind": version.kind, "name": version.name},
        gate=Gate.OPEN,
        finished_at=now(),
    )


def comparison_plan(
    *,
    candidate: ModelVersion,
    base: ModelVersion,
    set_version: SetVersion,
    created_by: User | None,
    terms: Terms | None = None,
    variant_of: Evaluation | None = None,
) -> Evaluation:
    """Write the jobs down, in the caller's transaction, which also records who asked."""
    terms = terms or Terms()
    measures = [_measure(version, set_version, created_by) for version in (candidate, base)]
    job = Evaluation.objects.create(
        kind=JobKind.COMPARE,
        created_by=created_by,
        set_version=set_version,
        set_name=str(set_version),
        candidate=candidate,
        base=base,
        candidate_measure=measures[0],
        base_measure=measures[1],
        variant_of=variant_of,
        options={
            "resamples": terms.resamples,
            "seed": terms.seed,
            "margin": terms.margin,
            "must_pass": list(set_version.must_pass),
        },
    )
    transaction.on_commit(evaluations_send, robust=True)
    return job


def _measure(version: ModelVersion, set_version: SetVersion, created_by: User | None) -> Evaluation:
    """The measurement of these bytes, fed in this way, on this set: made once."""
    fed = str(version.preprocessing_sha256)
    row, _created = Evaluation.objects.select_for_update().get_or_create(
        kind=JobKind.MEASURE,
        candidate=version,
        set_version=set_version,
        preprocessing_sha256=fed,
        state__in=(*ACTIVE_STATES, JobState.DONE),
        defaults={"created_by": created_by, "set_name": str(set_version)},
    )
    return row


def replay_create(
    *,
    acting_user: User,
    candidate: ModelVersion,
    base: ModelVersion,
    camera: Camera,
    since: datetime,
    until: datetime,
    purpose: str = "",
) -> Evaluation:
    """Run a recorded window of a camera that the user may watch through two versions."""
    require(acting_user, Capability.EVALUATE_MODELS)
    _require_detectors(candidate, base)
    if not since < until <= since + MAX_WINDOW:
        message = _("The window has to be longer than nothing and at most %(minutes)d minutes.")
        values = {"minutes": int(MAX_WINDOW.total_seconds() // 60)}
        raise Invalid("invalid_window", message % values, field="until")
    segments = _segments(camera, since, until)
    if not segments:
        raise Invalid("nothing_recorded", _("Nothing was recorded in this window."), field="since")
    with transaction.atomic():
        job = Evaluation.objects.create(
            kind=JobKind.REPLAY,
            created_by=acting_user,
            candidate=candidate,
            base=base,
            camera=camera,
            since=since,
            until=until,
            options={"segments": [str(row) for row in segments]},
        )
        transaction.on_commit(evaluations_send, robust=True)
        details = {"since": since, "until": until, "segments": len(segments)}
        _record(acting_user, job, details, purpose)
    return job


def _segments(camera: Camera, since: datetime, until: datetime) -> list[Any]:
    """Ids of the recorded segments that touch the window; the camera was looked up by the asker."""
    early = since - timedelta(minutes=2)
    rows = Segment.objects.filter(
        camera=camera, started_at__gte=early, started_at__lt=until, ended_at__gte=since
    )
    return list(rows.order_by("started_at", "pk").values_list("pk", flat=True)[:MAX_SEGMENTS])


def evaluation_cancel(*, acting_user: User, evaluation: Evaluation) -> None:
    """A job that waits or runs ends; what a worker has in hand it finishes, and that changes nothing.

    So do the comparisons that wait for a measurement: nobody would ever tell them.
    """
    require(acting_user, Capability.EVALUATE_MODELS)
    over = {"state": JobState.CANCELLED, "finished_at": now(), "leased_until": None}
    with transaction.atomic():
        mine = Evaluation.objects.filter(pk=evaluation.pk, state__in=ACTIVE_STATES)
        if not mine.update(**over):
            raise Conflict("evaluation_over", _("This job has ended already. Load the page again."))
        measured = Q(candidate_measure=evaluation) | Q(base_measure=evaluation)
        Evaluation.objects.filter(measured, state=JobState.QUEUED).update(**over)
        audit.record_change(
            action="evaluation.cancel",
            object_type="evaluation",
            object_id=str(evaluation.pk),
            camera_id=evaluation.camera_id,
            details={"kind": evaluation.kind},
            acting_user=acting_user,
        )


def require_detector(version: ModelVersion) -> None:
    """Raises what says why a version cannot be looked at on labelled pictures."""
    if version.task != ModelTask.DETECTION:
        words = _(
            "Only detectors can be compared, because labelled sets hold boxes. %(name)s is a model for: "
            "%(task)s."
        )
        raise Invalid("wrong_task", words % {"name": version.name, "task": version.get_task_display()})
    if not version.present or version.problem:
        raise Conflict("version_unusable", f"{version.name}: {why_unusable(version)}")


def _require_detectors(candidate: ModelVersion, base: ModelVersion) -> None:
    for version in (candidate, base):
        require_detector(version)
    if candidate.pk == base.pk:
        raise Invalid("same_version", _("Choose two different versions."), field="base")


def _checked(terms: Terms) -> Terms:
    if not LEAST_RESAMPLES <= terms.resamples <= MOST_RESAMPLES:
        message = _("resamples: expected %(least)d to %(most)d, got %(got)d.")
        values = {"least": LEAST_RESAMPLES, "most": MOST_RESAMPLES, "got": terms.resamples}
        raise Invalid("invalid_resamples", message % values, field="resamples")
    if not 0 <= terms.seed <= MOST_SEED:
        message = _("seed: expected 0 to %(most)d, got %(got)d.") % {"most": MOST_SEED, "got": terms.seed}
        raise Invalid("invalid_seed", message, field="seed")
    if not 0 < terms.margin <= 0.2:
        raise Invalid("invalid_margin", _("margin: expected more than 0 and at most 0.2."), field="margin")
    return terms


def _record(user: User, job: Evaluation, details: dict[str, Any], purpose: str = "") -> None:
    audit.record_change(
        action="evaluation.create",
        object_type="evaluation",
        object_id=str(job.pk),
        camera_id=job.camera_id,
        details={
            "kind": job.kind,
            "candidate": job.candidate.sha256 if job.candidate else None,
            "base": job.base.sha256 if job.base else None,
            **details,
            **({"purpose": purpose} if purpose else {}),
        },
        acting_user=user,
    )
