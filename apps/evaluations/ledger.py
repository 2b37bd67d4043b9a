"""What the data plane reports about jobs, and what follows from it.

    queued ── sent ──► running ── reply ──► done
       ▲                  │ an error that may pass, or the lease ran out
       └──────────────────┘            too many of them: failed

A reply may come twice and late; the first success of a job counts.
"""

import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.audit import services as audit
from apps.core.clock import now
from apps.detections.results import Outcome, ResultBatch
from apps.evaluations.models import (
    ACTIVE_STATES,
    Evaluation,
    JobKind,
    JobState,
    SetState,
    SetVersion,
    Verdict,
)
from apps.evaluations.sending import evaluations_send
from apps.evaluations.variants import gate_decide, variant_arrived
from inference_workers.contracts.codec import ContractError
from inference_workers.contracts.evaluations import EvaluationReply

MAX_FAILURES = 3
MAX_LOST = 5
AGAIN_AFTER = timedelta(seconds=3)
MAX_PROBLEMS = 50
_BUSY = "worker_busy"
logger = logging.getLogger(__name__)


def reply_apply(message: EvaluationReply, batch: ResultBatch) -> Outcome:
    """Inside the recorder's transaction. `batch` carries nothing here; cameras' results use it."""
    try:
        key = UUID(message.job_id)
    except ValueError as error:
        raise ContractError(f"job_id: expected a UUID, got {message.job_id!r:.60}") from error
    job = Evaluation.objects.select_for_update().filter(pk=key).first()
    if job is None or job.kind != message.kind.value:
        return Outcome.UNKNOWN
    if job.state not in ACTIVE_STATES:
        return Outcome.REPEATED
    if message.error_code is None:
        _succeeded(job, message)
    elif message.attempt != job.attempts:
        return Outcome.REPEATED
    else:
        _went_wrong(job, message)
    transaction.on_commit(evaluations_send, robust=True)
    return Outcome.APPLIED


def _succeeded(job: Evaluation, message: EvaluationReply) -> None:
    if job.kind == JobKind.COMPARE and message.verdict not in Verdict.values:
        raise ContractError(f"verdict: expected one of {Verdict.values}, got {message.verdict!r:.20}")
    changes: dict[str, Any] = {
        "state": JobState.DONE,
        "finished_at": now(),
        "leased_until": None,
        "duration_ms": message.duration_ms,
        "summary": dict(message.summary),
        "words": dict(message.words),
        "verdict": message.verdict,
        "output_sha256": message.output_sha256[:64],
        "portions_done": job.portions,
    }
    _change(job, **changes)
    if job.kind == JobKind.CHECK and job.set_version is not None:
        _checked(job.set_version, message)
    if job.kind == JobKind.VARIANT:
        variant_arrived(job, message)
    if job.kind == JobKind.COMPARE:
        gate_decide(job)
    audit.record_system(
        action=f"evaluation.{job.kind}",
        object_type="evaluation",
        object_id=str(job.pk),
        details={
            "candidate": job.candidate.sha256 if job.candidate else None,
            "base": job.base.sha256 if job.base else None,
            "set": job.set_version.sha256 if job.set_version else None,
            "verdict": job.verdict,
            "result_sha256": job.output_sha256,
        },
    )


def _checked(version: SetVersion, message: EvaluationReply) -> None:
    """A picture that cannot be opened refuses the whole set: nothing is measured on half of it."""
    slices = {
        name: int(count) for name, count in message.summary.items() if name.startswith(("light:", "camera:"))
    }
    problems = [words for name, words in sorted(message.words.items()) if name.startswith("problem")]
    SetVersion.objects.filter(pk=version.pk).update(
        state=SetState.REFUSED if problems else SetState.READY,
        slices=slices,
        problems=problems[:MAX_PROBLEMS],
    )


def _went_wrong(job: Evaluation, message: EvaluationReply) -> None:
    logger.warning("evaluation %s: %s: %s", job.pk, job.kind, message.error_code)
    if message.transient:
        job.failures += message.error_code != _BUSY
        job_again(job, message.error_code or "", message.error or "")
    else:
        _fail(job, message.error_code or "", message.error or "")


def job_again(job: Evaluation, code: str, error: str) -> None:
    """Queue a job once more, or give it up. The caller has locked the row."""
    if job.failures >= MAX_FAILURES or job.lost >= MAX_LOST:
        _fail(job, code, error)
        return
    _change(
        job, state=JobState.QUEUED, leased_until=None, not_before=now() + AGAIN_AFTER,
        failures=job.failures, lost=job.lost,
    )  # fmt: skip


def _fail(job: Evaluation, code: str, error: str) -> None:
    told = {"error_code": code[:60], "error": error[:500]}
    _change(
        job, state=JobState.FAILED, finished_at=now(), leased_until=None, failures=job.failures,
        lost=job.lost, **told,
    )  # fmt: skip
    if job.kind == JobKind.CHECK and job.set_version is not None:
        SetVersion.objects.filter(pk=job.set_version.pk).update(
            state=SetState.REFUSED, problems=[error[:500]]
        )
    if job.kind == JobKind.MEASURE:
        waiting = Q(candidate_measure=job) | Q(base_measure=job)
        for row in Evaluation.objects.select_for_update().filter(waiting, state=JobState.QUEUED):
            _fail(row, code, error)


def _change(job: Evaluation, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(job, name, value)
    Evaluation.objects.filter(pk=job.pk).update(**changes)
