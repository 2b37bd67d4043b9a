"""The ledger of uploaded work: what is queued, who holds it until when, and what came out.

    queued ── sent ──► running ── reply ──► done | failed
       ▲                  │ lease over, attempts left
       └──────────────────┘

The row is the truth, the message to the worker only wakes it up. A reply may come twice, over its list and
over the results stream, and is recorded once.
"""

import logging
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from apps.core.broker import gpu_send
from apps.core.clock import now
from apps.core.objects import object_delete
from apps.detections.results import Outcome, ResultBatch
from apps.dispatch.leases import model_ref
from apps.dispatch.models import WorkItem, WorkState
from apps.registry.selectors import serving
from inference_workers.contracts.codec import ContractError, encode
from inference_workers.contracts.lease import RedactionPolicy, Script, Stage
from inference_workers.contracts.names import TASK_ANALYSE_IMAGE
from inference_workers.contracts.uploads import AnalyseImage, AnalyseImageReply

MAX_ATTEMPTS = 3
LEASE = timedelta(seconds=30)
_STAGES = (Stage.FACES, Stage.DETECT, Stage.TEXT)
_FINAL = (WorkState.DONE, WorkState.FAILED)
logger = logging.getLogger(__name__)


def reply_list(work_id: UUID, attempt: int) -> str:
    """The Redis list on which somebody may wait for this attempt."""
    return f"vidette:work:{work_id}:{attempt}"


def work_send(work_id: UUID) -> bool:
    """Take the item by compare-and-set and wake a worker up; False when another process was faster.

    When the broker is away the item is put back and the sweeper tries again.
    """
    item = WorkItem.objects.filter(pk=work_id).first()
    if item is None or item.state in _FINAL:
        return False
    leased_until = now() + LEASE
    taken = WorkItem.objects.filter(pk=work_id, state=item.state, attempts=item.attempts).update(
        state=WorkState.RUNNING, attempts=item.attempts + 1, leased_until=leased_until
    )
    if not taken:
        return False
    item.refresh_from_db()
    try:
        gpu_send(TASK_ANALYSE_IMAGE, encode(_message(item)), expires_s=LEASE.total_seconds())
    except (BrokerAway, RedisError, OSError) as error:
        logger.warning("work %s: the broker does not answer: %s", work_id, error)
        WorkItem.objects.filter(pk=work_id, state=WorkState.RUNNING, attempts=item.attempts).update(
            state=WorkState.QUEUED, attempts=item.attempts - 1, leased_until=None
        )
        return False
    return True


def _message(item: WorkItem) -> AnalyseImage:
    versions = serving()
    return AnalyseImage(
        work_id=str(item.pk),
        attempt=item.attempts,
        input_key=item.input_key,
        output_key=item.output_key,
        models={stage.value: model_ref(versions[stage]) for stage in _STAGES if stage in versions},
        script=Script(item.script),
        redaction=RedactionPolicy(),
        reply_to=reply_list(item.pk, item.attempts),
        deadline_at=item.leased_until.timestamp() if item.leased_until else 0.0,
    )


def reply_apply(message: AnalyseImageReply, batch: ResultBatch) -> Outcome:
    """Close the item. A result of any attempt counts; an error counts only for the newest attempt."""
    try:
        key = UUID(message.work_id)
    except ValueError as error:
        raise ContractError(f"work_id: expected a UUID, got {message.work_id!r:.60}") from error
    item = WorkItem.objects.select_for_update().filter(pk=key).first()
    if item is None:
        return Outcome.UNKNOWN
    failed = message.error_code is not None
    if item.state in _FINAL or (failed and message.attempt != item.attempts):
        return Outcome.REPEATED
    if failed:
        _finish(item, error_code=message.error_code or "", error=message.error or "")
    else:
        _finish(item, result=_result(message))
    return Outcome.APPLIED


def _result(message: AnalyseImageReply) -> dict[str, Any]:
    return {
        "width": message.width,
        "height": message.height,
        "found": [
            {
                "box_xyxy": list(found.box_xyxy),
                "score": found.score,
                "label": found.label,
                "text": found.text.replace("\x00", "") if found.text is not None else None,
                "script": found.script.value if found.script else None,
            }
            for found in message.found
        ],
        "redaction": message.redaction,
        "output_sha256": message.output_sha256,
        "served": dict(message.served),
        "duration_ms": message.duration_ms,
    }


def _finish(
    item: WorkItem, *, result: dict[str, Any] | None = None, error_code: str = "", error: str = ""
) -> None:
    """The unredacted input goes with the end of the work, whatever the end is."""
    WorkItem.objects.filter(pk=item.pk).update(
        state=WorkState.DONE if result is not None else WorkState.FAILED,
        result=result or {},
        error_code=error_code[:60],
        error=error[:500],
        finished_at=now(),
        leased_until=None,
    )
    transaction.on_commit(partial(object_delete, item.input_key), robust=True)


def work_sweep() -> dict[str, int]:
    """Send again what nobody answered for, give up after three attempts. Retention removes what is old."""
    due = WorkItem.objects.filter(
        Q(state=WorkState.QUEUED, created_at__lt=now() - timedelta(seconds=2))
        | Q(state=WorkState.RUNNING, leased_until__lt=now())
    )
    counts = {"sent": 0, "failed": 0}
    for item in due.order_by("created_at")[:100]:
        if item.attempts < MAX_ATTEMPTS:
            counts["sent"] += work_send(item.pk)
        else:
            counts["failed"] += _give_up(item)
    return counts


def _give_up(item: WorkItem) -> bool:
    with transaction.atomic():
        row = WorkItem.objects.select_for_update().filter(pk=item.pk, attempts=item.attempts).first()
        if row is None or row.state in _FINAL:
            return False
        sentence = f"No worker answered in {MAX_ATTEMPTS} attempts of {LEASE.seconds} s."
        _finish(row, error_code="worker_timeout", error=sentence)
    return True
