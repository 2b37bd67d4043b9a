"""From the ledger to the queue: a few steps at a time, short ones first, only while a worker lives."""

import logging
import time
from datetime import timedelta

from django.conf import settings
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from apps.core.broker import gpu_send
from apps.core.clock import now
from apps.core.workers import worker_lives
from apps.redactions.models import (
    ACTIVE_STATES,
    EditKind,
    Redaction,
    RedactionEdit,
    RedactionStep,
    StepKind,
    StepState,
)
from apps.redactions.options import job_told
from inference_workers.contracts.codec import encode
from inference_workers.contracts.names import TASK_REDACT
from inference_workers.contracts.redactions import EditKind as ToldEditKind
from inference_workers.contracts.redactions import RedactionEdit as ToldEdit
from inference_workers.contracts.redactions import RedactionKind
from inference_workers.contracts.redactions import RedactionStep as Message

START_WITHIN = timedelta(seconds=45)  # from the message until the worker says that it works on it
DEADLINE_S = 3600.0
_SHORT = (StepKind.PROBE, StepKind.FOLLOW, StepKind.STITCH)
logger = logging.getLogger(__name__)


def steps_send() -> int:
    """Send as many steps as there is room for; returns how many. Safe in several processes at once."""
    room = settings.REDACTION_STEPS_AT_ONCE - _under_way()
    if room <= 0 or not _due().exists() or not worker_lives():
        return 0
    return sum(_send(step) for step in _due()[:room])


def _under_way() -> int:
    return RedactionStep.objects.filter(state=StepState.RUNNING).count()


def _due() -> QuerySet[RedactionStep]:
    short_first = Case(When(kind__in=_SHORT, then=Value(0)), default=Value(1), output_field=IntegerField())
    waited = Q(not_before=None) | Q(not_before__lte=now())
    return (
        RedactionStep.objects.filter(
            waited, state=StepState.QUEUED, redaction__state__in=ACTIVE_STATES, redaction__deleted_at=None
        )
        .select_related("redaction")
        .order_by(short_first, "redaction__created_at", "place", "segment")
    )


def _send(step: RedactionStep) -> bool:
    """Take the step by compare-and-set and wake a worker up; False when another process was faster."""
    leased_until = now() + START_WITHIN
    mine = RedactionStep.objects.filter(pk=step.pk, state=StepState.QUEUED, attempts=step.attempts)
    if not mine.update(state=StepState.RUNNING, attempts=step.attempts + 1, leased_until=leased_until):
        return False
    step.attempts += 1
    try:
        gpu_send(TASK_REDACT, encode(message_of(step)), expires_s=START_WITHIN.total_seconds())
    except (BrokerAway, RedisError, OSError) as error:
        logger.warning("redaction step %s: the broker does not answer: %s", step.pk, error)
        RedactionStep.objects.filter(pk=step.pk, state=StepState.RUNNING, attempts=step.attempts).update(
            state=StepState.QUEUED, leased_until=None
        )
        return False
    return True


def message_of(step: RedactionStep) -> Message:
    redaction = step.redaction
    return Message(
        job=job_told(str(redaction.pk), redaction.options, redaction.chosen_models),
        kind=RedactionKind(step.kind),
        attempt=step.attempts,
        deadline_at=time.time() + DEADLINE_S,
        segment=step.segment,
        revision=step.revision,
        covers=_covers(step),
        edits=tuple(edit_told(edit) for edit in _edits(step)),
    )


def _covers(step: RedactionStep) -> tuple[str, ...]:
    if step.kind == StepKind.RENDER:
        return (step.covers,)
    if step.kind != StepKind.MUX:
        return ()
    stitched = step.redaction.steps.get(kind=StepKind.STITCH, revision=step.revision)
    return tuple(stitched.result["covers"])


def _edits(step: RedactionStep) -> QuerySet[RedactionEdit]:
    edits = step.redaction.edits.order_by("number")
    if step.kind == StepKind.FOLLOW:
        return edits.filter(pk=step.edit_id)
    if step.kind == StepKind.STITCH:
        return edits_at(step.redaction, step.revision).order_by("number")
    return edits.none()


def edits_at(redaction: Redaction, revision: int) -> QuerySet[RedactionEdit]:
    """The edits that count in a revision."""
    still = Q(undone_revision=None) | Q(undone_revision__gt=revision)
    return redaction.edits.filter(still, made_revision__lte=revision)


def edit_told(edit: RedactionEdit) -> ToldEdit:
    what = edit.what
    box = what.get("box_xyxy")
    return ToldEdit(
        edit_id=str(edit.pk),
        kind=ToldEditKind(EditKind(edit.kind).value),
        track_id=what.get("track_id"),
        at_s=what.get("at_s"),
        box_xyxy=(box[0], box[1], box[2], box[3]) if box else None,
        from_s=what.get("from_s"),
        until_s=what.get("until_s"),
    )
