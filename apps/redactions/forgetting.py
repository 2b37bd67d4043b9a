"""What goes, and when: the upload, what was made of it on the way, and at last the result."""

import logging
from collections.abc import Collection
from functools import partial

from django.db import transaction
from django.db.models import F

from apps.audit import services as audit
from apps.core.clock import now
from apps.core.errors import Unavailable
from apps.core.objects import object_delete, objects_list
from apps.redactions.models import Redaction, RedactionState, StepState
from inference_workers.contracts.redactions import input_key, job_prefix

_RESULTS = "revisions/"
logger = logging.getLogger(__name__)


def input_forget(redaction: Redaction) -> None:
    """The upload goes for good, in the caller's transaction: no edit is possible from now on.

    What was made of it on the way goes with the next sweep: thousands of objects for a film of hours.
    """
    if redaction.input_gone_at is not None:
        return
    redaction.input_gone_at, redaction.input_until = now(), None
    Redaction.objects.filter(pk=redaction.pk).update(
        input_gone_at=redaction.input_gone_at, input_until=None, version=F("version") + 1
    )
    audit.record_system(action="redaction.input_delete", object_type="redaction", object_id=str(redaction.pk))
    transaction.on_commit(partial(object_delete, input_key(str(redaction.pk))), robust=True)


def objects_forget(redaction_id: object, *, results_too: bool) -> bool:
    """Delete a job's objects: all, or all but its results. False when the store did not answer.

    Running it again is harmless; the sweep does so while a step may still have been writing.
    """
    prefix = job_prefix(str(redaction_id))
    try:
        for portion in objects_list(prefix):
            for listed in portion:
                if results_too or not listed.key.startswith(f"{prefix}/{_RESULTS}"):
                    object_delete(listed.key)
    except Unavailable as error:
        logger.warning("redaction %s: objects were not deleted: %s", redaction_id, error)
        return False
    return True


def results_forget(redaction_id: object, keep: Collection[int]) -> None:
    """Results of other revisions go; each can be made again while the upload is there.

    The one before the newest stays with it for a while: somebody may be reading it at this moment.
    """
    prefix = f"{job_prefix(str(redaction_id))}/{_RESULTS}"
    kept = {f"{revision:04d}" for revision in keep}
    try:
        for portion in objects_list(prefix):
            for listed in portion:
                revision = listed.key.removeprefix(prefix).partition("/")[0]
                if "/result" in listed.key and revision not in kept:
                    object_delete(listed.key)
    except Unavailable as error:
        logger.warning("redaction %s: an older result was not deleted: %s", redaction_id, error)


def forgotten_sweep() -> dict[str, int]:
    """By the clock: uploads whose hours are over, rows that were deleted, what cancelled work still wrote.

    Results go with the retention of the house (`stores`).
    """
    counts = {"inputs": 0, "cleared": 0, "removed": 0}
    for redaction in Redaction.objects.filter(input_until__lt=now(), deleted_at=None)[:100]:
        counts["inputs"] += _input_expire(redaction)
    for redaction in Redaction.objects.filter(deleted_at__isnull=False)[:100]:
        counts["removed"] += _remove(redaction)
    for redaction in Redaction.objects.exclude(input_gone_at=None).filter(cleared_at=None)[:20]:
        counts["cleared"] += _clear(redaction)
    return counts


def _input_expire(redaction: Redaction) -> bool:
    with transaction.atomic():
        row = Redaction.objects.select_for_update().filter(pk=redaction.pk, input_until__lt=now()).first()
        if row is None or row.state in (RedactionState.RUNNING, RedactionState.QUEUED):
            return False
        input_forget(row)
    return True


def _clear(redaction: Redaction) -> bool:
    """Everything but the results; of work that was cancelled or failed, everything."""
    results_too = redaction.ready_revision is None
    if _is_written_to(redaction) or not objects_forget(redaction.pk, results_too=results_too):
        return False
    if redaction.ready_revision is not None:
        results_forget(redaction.pk, (redaction.ready_revision,))
    Redaction.objects.filter(pk=redaction.pk).update(cleared_at=now())
    return True


def _is_written_to(redaction: Redaction) -> bool:
    """Whether a worker may still write: what it leaves after a deletion would stay for ever."""
    return redaction.steps.filter(state=StepState.RUNNING, leased_until__gt=now()).exists()


def _remove(redaction: Redaction) -> bool:
    """The objects first: a row without its objects is swept again, objects without their row never."""
    if _is_written_to(redaction) or not objects_forget(redaction.pk, results_too=True):
        return False
    redaction.delete()
    return True
