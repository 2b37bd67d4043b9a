"""From the ledger to the queue: one job at a time, only while a worker lives."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from apps.core.broker import gpu_send
from apps.core.clock import now
from apps.core.workers import worker_lives
from apps.evaluations.messages import message_of
from apps.evaluations.models import Evaluation, JobKind, JobState
from inference_workers.contracts.codec import encode
from inference_workers.contracts.evaluations import TASK_EVALUATE

START_WITHIN = timedelta(seconds=45)  # from the message until the worker says that it works on it
_QUICK = (JobKind.CHECK, JobKind.COMPARE)
logger = logging.getLogger(__name__)


def evaluations_send() -> int:
    """Send as many jobs as there is room for; returns how many. Safe in several processes at once."""
    room = settings.EVALUATIONS_AT_ONCE - Evaluation.objects.filter(state=JobState.RUNNING).count()
    if room <= 0 or not _due().exists() or not worker_lives():
        return 0
    return sum(_send(job) for job in _due()[:room])


def _due() -> QuerySet[Evaluation]:
    """Comparisons wait for their measurements. What takes seconds goes before what takes minutes."""
    waited = Q(not_before=None) | Q(not_before__lte=now())
    measured = ~Q(kind=JobKind.COMPARE) | Q(
        candidate_measure__state=JobState.DONE, base_measure__state=JobState.DONE
    )
    quick_first = Case(When(kind__in=_QUICK, then=Value(0)), default=Value(1), output_field=IntegerField())
    return (
        Evaluation.objects.filter(waited, measured, state=JobState.QUEUED)
        .select_related("candidate", "base", "set_version")
        .order_by(quick_first, "created_at", "pk")
    )


def _send(job: Evaluation) -> bool:
    """Take the job by compare-and-set and wake a worker up; False when another process was faster."""
    mine = Evaluation.objects.filter(pk=job.pk, state=JobState.QUEUED, attempts=job.attempts)
    leased_until = now() + START_WITHIN
    if not mine.update(state=JobState.RUNNING, attempts=F("attempts") + 1, leased_until=leased_until):
        return False
    job.attempts += 1
    try:
        gpu_send(TASK_EVALUATE, encode(message_of(job)), expires_s=START_WITHIN.total_seconds())
    except (BrokerAway, RedisError, OSError) as error:
        logger.warning("evaluation %s: the broker does not answer: %s", job.pk, error)
        taken = Evaluation.objects.filter(pk=job.pk, state=JobState.RUNNING, attempts=job.attempts)
        taken.update(state=JobState.QUEUED, leased_until=None)
        return False
    return True
