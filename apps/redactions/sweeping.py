"""The ledger against the clock: leases go on while a worker says that it works, and end when it does not."""

import logging
from datetime import timedelta

from django.db import transaction
from redis.exceptions import RedisError

from apps.core.clock import now
from apps.core.redis import client
from apps.core.workers import worker_lives
from apps.redactions.ledger import redaction_advance, step_again
from apps.redactions.models import ACTIVE_STATES, Redaction, RedactionStep, StepState
from apps.redactions.sending import steps_send
from inference_workers.contracts.redactions import RUNNING_TTL_S, RedactionKind, running_key

GRACE = timedelta(seconds=RUNNING_TTL_S)
logger = logging.getLogger(__name__)


def redactions_sweep() -> dict[str, int]:
    """Renew the leases of steps under way, take back those that nobody works on, send what is due."""
    counts = {"under_way": 0, "taken_back": 0}
    for step in RedactionStep.objects.filter(state=StepState.RUNNING).select_related("redaction"):
        if _worked_on(step):
            counts["under_way"] += 1
            RedactionStep.objects.filter(pk=step.pk, state=StepState.RUNNING, attempts=step.attempts).update(
                leased_until=now() + GRACE
            )
        elif step.leased_until is None or step.leased_until < now():
            counts["taken_back"] += _take_back(step)
    _advance_idle()
    return counts | {"sent": steps_send()}


def _worked_on(step: RedactionStep) -> bool:
    key = running_key(str(step.redaction_id), RedactionKind(step.kind), step.segment, step.attempts)
    try:
        return bool(client().exists(key))
    except RedisError as error:
        logger.warning("redactions: Redis does not answer: %s", type(error).__name__)
        return True


def _take_back(step: RedactionStep) -> bool:
    """A lease that ran out counts only while a worker lives that could have answered."""
    counts = worker_lives()
    with transaction.atomic():
        redaction = Redaction.objects.select_for_update().get(pk=step.redaction_id)
        row = RedactionStep.objects.select_for_update().filter(
            pk=step.pk, state=StepState.RUNNING, attempts=step.attempts, leased_until=step.leased_until
        )
        found = row.first()
        if found is None:
            return False
        sentence = "No worker finished this step; it was tried several times."
        found.lost += counts
        step_again(redaction, found, "worker_lost", sentence)
    return True


def _advance_idle() -> None:
    """Work without a step that waits or runs: somebody died between two stages."""
    busy = RedactionStep.objects.filter(state__in=(StepState.QUEUED, StepState.RUNNING))
    idle = Redaction.objects.filter(state__in=ACTIVE_STATES, deleted_at=None).exclude(
        pk__in=busy.values("redaction_id")
    )
    for redaction_id in idle.values_list("pk", flat=True)[:100]:
        with transaction.atomic():
            redaction = Redaction.objects.select_for_update().get(pk=redaction_id)
            if redaction.state in ACTIVE_STATES:
                redaction_advance(redaction)
