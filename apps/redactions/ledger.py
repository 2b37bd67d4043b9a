"""What the data plane reports about steps, and what follows from it.

    queued ── sent ──► running ── reply ──► done
       ▲                  │ an error that may pass, or the lease ran out
       └──────────────────┘            too many of them: failed

A reply may come twice and late; the first success of a step counts. The row of the redaction is locked while
its steps change, so that two replies never plan the same stage twice.
"""

import logging
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from apps.core.clock import now
from apps.core.events import publish
from apps.detections.results import Outcome, ResultBatch
from apps.redactions.forgetting import input_forget, results_forget
from apps.redactions.models import (
    ACTIVE_STATES,
    EditKind,
    Redaction,
    RedactionState,
    RedactionStep,
    StepKind,
    StepState,
)
from apps.redactions.planning import PLACES, Planned, Region, Wanted, steps_next
from apps.redactions.sending import edits_at, steps_send
from inference_workers.contracts.codec import ContractError
from inference_workers.contracts.redactions import RedactionKind, RedactionReply

MAX_FAILURES = 3
MAX_LOST = 8  # a step that kills its worker ends here; one whose worker is killed from outside does not
AGAIN_AFTER = timedelta(seconds=3)
_BUSY = "worker_busy"
logger = logging.getLogger(__name__)


def reply_apply(message: RedactionReply, batch: ResultBatch) -> Outcome:
    """Inside the recorder's transaction. `batch` carries nothing here; cameras' results use it."""
    try:
        key = UUID(message.job_id)
    except ValueError as error:
        raise ContractError(f"job_id: expected a UUID, got {message.job_id!r:.60}") from error
    redaction = Redaction.objects.select_for_update().filter(pk=key, deleted_at=None).first()
    step = _step_of(redaction, message) if redaction is not None else None
    if redaction is None or step is None:
        return Outcome.UNKNOWN
    if step.state in (StepState.DONE, StepState.FAILED):
        return Outcome.REPEATED
    if message.error_code is None:
        _succeeded(redaction, step, message)
    elif message.attempt != step.attempts:
        return Outcome.REPEATED
    else:
        _went_wrong(redaction, step, message)
    transaction.on_commit(steps_send, robust=True)
    return Outcome.APPLIED


def _step_of(redaction: Redaction, message: RedactionReply) -> RedactionStep | None:
    """The step that a reply is about. An error of RENDER may not say its covers: the attempt tells."""
    steps = redaction.steps.select_for_update().filter(kind=message.kind.value, segment=message.segment)
    match message.kind:
        case RedactionKind.RENDER if message.covers:
            return steps.filter(covers=message.covers[0]).first()
        case RedactionKind.RENDER:
            return steps.filter(state=StepState.RUNNING, attempts=message.attempt).first()
        case RedactionKind.PROBE | RedactionKind.ANALYSE:
            return steps.first()
        case _:
            return steps.filter(revision=message.revision).first()


def _succeeded(redaction: Redaction, step: RedactionStep, message: RedactionReply) -> None:
    step.result = _kept(message)
    step.state, step.finished_at, step.leased_until = StepState.DONE, now(), None
    step.duration_ms = message.duration_ms
    step.save(update_fields=["result", "state", "finished_at", "leased_until", "duration_ms"])
    changes: dict[str, Any] = {}
    if message.kind == RedactionKind.PROBE and message.film is not None:
        changes["film"] = asdict(message.film)
    if message.kind == RedactionKind.STITCH:
        newest = max(message.revision, redaction.tracks_revision or 0)
        changes["tracks_revision"] = newest
    if message.kind == RedactionKind.MUX:
        changes |= _ready(redaction, message)
    _change(redaction, **changes)
    if redaction.state in ACTIVE_STATES:
        redaction_advance(redaction)


def _kept(message: RedactionReply) -> dict[str, Any]:
    kept: dict[str, Any] = {"sha256": message.output_sha256, "bytes": message.output_bytes}
    if message.kind == RedactionKind.STITCH:
        kept["covers"] = list(message.covers)
    if message.frames:
        kept["frames"] = message.frames
    if message.followed is not None:
        kept["followed"] = asdict(message.followed)
    return kept


def _ready(redaction: Redaction, message: RedactionReply) -> dict[str, Any]:
    """A film of an older revision that comes after a newer one is out of date."""
    if message.revision < (redaction.ready_revision or 0):
        return {}
    keep = {message.revision, redaction.ready_revision or 0}
    transaction.on_commit(partial(results_forget, redaction.pk, keep), robust=True)
    summary = asdict(message.summary) if message.summary is not None else {}
    return {
        "ready_revision": message.revision,
        "result": {"sha256": message.output_sha256, "bytes": message.output_bytes, "summary": summary},
    }


def redaction_advance(redaction: Redaction) -> None:
    """Plan the next stage when the present one is complete; end the work when nothing is left.

    The caller has locked the row.
    """
    if redaction.steps.filter(state__in=(StepState.QUEUED, StepState.RUNNING)).exists():
        return
    redaction_plan(redaction)


def redaction_plan(redaction: Redaction) -> None:
    """Write down the steps of the first stage that is not complete. The caller has locked the row."""
    done = dict(redaction.steps.filter(state=StepState.DONE).values_list("key", "result"))
    planned = steps_next(_wanted(redaction), done)
    if not planned:
        _finish(redaction)
        return
    RedactionStep.objects.bulk_create(
        [_row(redaction, step) for step in planned], ignore_conflicts=True, batch_size=500
    )
    if redaction.state == RedactionState.QUEUED and planned[0].kind != StepKind.PROBE:
        _change(redaction, state=RedactionState.RUNNING)


def _row(redaction: Redaction, step: Planned) -> RedactionStep:
    return RedactionStep(
        redaction=redaction,
        key=step.key,
        kind=step.kind,
        place=PLACES[step.kind],
        segment=step.segment,
        revision=step.revision,
        covers=step.covers,
        edit_id=step.edit_id,
    )


def _wanted(redaction: Redaction) -> Wanted:
    regions = edits_at(redaction, redaction.revision) | edits_at(redaction, redaction.rendered_revision)
    drawn = regions.filter(kind=EditKind.ADD).order_by("number")
    return Wanted(
        segments=len(redaction.film.get("segment_frames", ())),
        revision=redaction.revision,
        rendered=redaction.rendered_revision,
        regions=tuple(Region(str(edit.pk), edit.made_revision) for edit in drawn),
    )


def _finish(redaction: Redaction) -> None:
    first = redaction.finished_at is None
    _change(redaction, state=RedactionState.DONE, finished_at=redaction.finished_at or now())
    if not redaction.editable:
        input_forget(redaction)
    elif first:
        until = now() + timedelta(hours=settings.REDACTION_ORIGINAL_H)
        _change(redaction, input_until=until)


def _went_wrong(redaction: Redaction, step: RedactionStep, message: RedactionReply) -> None:
    logger.warning("redaction %s: %s: %s", redaction.pk, step.key, message.error_code)
    if message.transient:
        step.failures += message.error_code != _BUSY
        step_again(redaction, step, message.error_code or "", message.error or "")
    else:
        _fail(redaction, step, message.error_code or "", message.error or "")


def step_again(redaction: Redaction, step: RedactionStep, code: str, error: str) -> None:
    """Put a step back into the queue; after too many failures it has failed. Rows are locked."""
    if step.failures >= MAX_FAILURES or step.lost >= MAX_LOST:
        _fail(redaction, step, code, error)
        return
    step.state, step.leased_until, step.not_before = StepState.QUEUED, None, now() + AGAIN_AFTER
    step.save(update_fields=["failures", "lost", "state", "leased_until", "not_before"])


def _fail(redaction: Redaction, step: RedactionStep, code: str, error: str) -> None:
    """A first result that cannot be made ends the job and its upload; a failed edit leaves what was there."""
    step.state, step.error_code, step.leased_until = StepState.FAILED, code[:60], None
    step.finished_at = now()
    step.save(update_fields=["state", "error_code", "failures", "lost", "leased_until", "finished_at"])
    redaction.steps.filter(state=StepState.QUEUED).delete()
    told = {"error_code": code[:60], "error": error[:500]}
    if redaction.ready_revision is None:
        _change(redaction, state=RedactionState.FAILED, finished_at=now(), **told)
        input_forget(redaction)
        return
    redaction.steps.filter(pk=step.pk).delete()
    taken_back = _take_back(redaction)
    state = RedactionState.RUNNING if taken_back else RedactionState.DONE
    _change(redaction, state=state, rendered_revision=redaction.ready_revision, **told)
    if taken_back:
        redaction_plan(redaction)


def _take_back(redaction: Redaction) -> int:
    """Edits behind the newest film are undone, so that the next one can succeed; returns how many."""
    ready, revision = redaction.ready_revision or 0, redaction.revision + 1
    taken_back = redaction.edits.filter(undone_revision=None, made_revision__gt=ready).update(
        undone_revision=revision, undone_at=now(), undone_by_name="-"
    )
    if taken_back:
        _change(redaction, revision=revision)
    return taken_back


def _change(redaction: Redaction, **changes: Any) -> None:
    """Write what changed and let those who wait look; the row is locked."""
    for name, value in changes.items():
        setattr(redaction, name, value)
    redaction.version += 1
    Redaction.objects.filter(pk=redaction.pk).update(**changes, version=F("version") + 1)
    publish("redaction.changed", redaction_id=str(redaction.pk))
