"""The ledger against the clock: leases go on while a worker says that it works, and end when it does not."""

import logging
from datetime import timedelta

from django.db import transaction
from redis.exceptions import RedisError

from apps.core.clock import now
from apps.core.context import audit_context, system_context
from apps.core.redis import client
from apps.core.workers import worker_lives
from apps.evaluations.gates import gates_open
from apps.evaluations.ledger import job_again
from apps.evaluations.models import Evaluation, JobState
from apps.evaluations.sending import evaluations_send
from inference_workers.contracts.evaluations import RUNNING_TTL_S, running_key

GRACE = timedelta(seconds=RUNNING_TTL_S)
logger = logging.getLogger(__name__)


def evaluations_sweep() -> dict[str, int]:
    """Renew the leases of jobs under way, take back those that nobody works on, send what is due."""
    counts = {"under_way": 0, "taken_back": 0}
    for job in Evaluation.objects.filter(state=JobState.RUNNING):
        progress = _progress(job)
        if progress is not None:
            counts["under_way"] += 1
            _renew(job, progress)
        elif job.leased_until is None or job.leased_until < now():
            counts["taken_back"] += _take_back(job)
    with audit_context(system_context("evaluations")):
        counts["gates"] = gates_open()
    return counts | {"sent": evaluations_send()}


def _progress(job: Evaluation) -> str | None:
    """ "DONE/TOTAL" while a worker works on it; also when Redis does not answer: nobody can tell then."""
    try:
        found = client().get(running_key(str(job.pk), job.attempts))
    except RedisError as error:
        logger.warning("evaluations: Redis does not answer: %s", type(error).__name__)
        return ""
    return None if found is None else str(found, "ascii", "replace")  # type: ignore[arg-type]


def _renew(job: Evaluation, progress: str) -> None:
    done, _slash, total = progress.partition("/")
    known = {"portions_done": int(done), "portions": int(total)} if done.isdigit() and total.isdigit() else {}
    Evaluation.objects.filter(pk=job.pk, state=JobState.RUNNING, attempts=job.attempts).update(
        leased_until=now() + GRACE, **known
    )


def _take_back(job: Evaluation) -> bool:
    """A lease that ran out counts only while a worker lives that could have answered."""
    counts = worker_lives()
    with transaction.atomic():
        found = (
            Evaluation.objects.select_for_update()
            .filter(pk=job.pk, state=JobState.RUNNING, attempts=job.attempts, leased_until=job.leased_until)
            .first()
        )
        if found is None:
            return False
        found.lost += counts
        job_again(found, "worker_lost", "No worker finished this job; it was tried several times.")
    return True
