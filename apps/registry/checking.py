"""The ledger of checks: the row of a version is the truth, messages to the data plane only wake it up.

uploaded → (a worker is asked) checking → ready, signed → (a worker is asked) present in the model directory;
or refused, with the line that failed. What was made from another version is gated instead of ready, until it
was compared with it. Whatever gets lost on the way is asked for again; what cannot be
decided stays undecided and serves nothing.
"""

import logging
import time
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from apps.audit import services as audit
from apps.core.broker import gpu_send
from apps.core.clock import now
from apps.core.events import publish
from apps.core.workers import worker_lives
from apps.registry.choice import needs_gate
from apps.registry.families import family_for
from apps.registry.models import (
    INSTALLED,
    ArtifactFormat,
    ModelFamily,
    ModelTask,
    ModelVersion,
    VersionKind,
    VersionStatus,
)
from apps.registry.problems import NO_ANSWER, NO_PARENT
from apps.registry.statements import statement_sign
from inference_workers.contracts.codec import encode
from inference_workers.contracts.model_checks import (
    TASK_CHECK_MODEL,
    TASK_INSTALL_MODEL,
    CheckModel,
    CheckOutcome,
    CheckReply,
    FamilyContract,
    InstallModel,
    InstallReply,
)
from inference_workers.contracts.models import ModelCard

ANSWER_WITHIN = timedelta(minutes=10)
ASK_AGAIN_AFTER = timedelta(minutes=1)
MAX_ATTEMPTS = 5
Status = VersionStatus
# An installation is asked for until it is there; the number of the question fits its column.
ASKED_AGAIN_FROM_ONE = 30_000
logger = logging.getLogger(__name__)


def models_send() -> int:
    """Ask for every check and installation that is due; returns how many. Safe in several processes."""
    if not _due().exists() or not worker_lives():
        return 0
    return sum(_send(row) for row in _due()[:20])


def _due() -> QuerySet[ModelVersion]:
    free = Q(check_until=None) | Q(check_until__lt=now())
    to_check = Q(status__in=(Status.UPLOADED, Status.CHECKING))
    to_install = Q(status__in=INSTALLED, present=False, artifact=ArtifactFormat.ONNX) & ~Q(signature="")
    return (
        ModelVersion.objects.filter(free & (to_check | to_install))
        .exclude(object_key="")
        .select_related("family_ref")
        .order_by("first_seen_at")
    )


def _send(row: ModelVersion) -> bool:
    """Take the row by compare-and-set and wake a worker up; False when another process was faster."""
    checks = row.status not in INSTALLED
    if checks and row.check_attempts >= MAX_ATTEMPTS:
        return _give_up(row)
    mine = ModelVersion.objects.filter(pk=row.pk, status=row.status, check_attempts=row.check_attempts)
    status = Status.CHECKING if checks else row.status
    row.check_attempts = row.check_attempts % ASKED_AGAIN_FROM_ONE + 1
    until = now() + ANSWER_WITHIN
    if not mine.update(status=status, check_attempts=row.check_attempts, check_until=until):
        return False
    task, message = (TASK_CHECK_MODEL, _check(row)) if checks else (TASK_INSTALL_MODEL, _install(row))
    try:
        gpu_send(task, encode(message), expires_s=ANSWER_WITHIN.total_seconds())
    except (BrokerAway, RedisError, OSError) as error:
        logger.warning("model %s: the broker does not answer: %s", row.pk, type(error).__name__)
        ModelVersion.objects.filter(pk=row.pk).update(check_until=now() + ASK_AGAIN_AFTER)
        return False
    return True


def _give_up(row: ModelVersion) -> bool:
    with transaction.atomic():
        found = ModelVersion.objects.select_for_update().get(pk=row.pk)
        if found.status == Status.CHECKING and found.check_attempts == row.check_attempts:
            _refuse(found, NO_ANSWER)
            found.save()
    return False


def _check(row: ModelVersion) -> CheckModel:
    return CheckModel(
        version_id=str(row.pk),
        attempt=row.check_attempts,
        name=row.name,
        object_key=row.object_key,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        artifact=row.artifact,
        side_file=row.side_file,
        licence=row.licence,
        deadline_at=time.time() + ANSWER_WITHIN.total_seconds(),
        family=_contract(row.family_ref),
    )


def _contract(family: ModelFamily | None) -> FamilyContract | None:
    if family is None:
        return None
    return FamilyContract(
        family.task,
        family.postprocess,
        tuple(family.classes),
        int(family.input_contract["min_side"]),
        int(family.input_contract["max_side"]),
    )


def _install(row: ModelVersion) -> InstallModel:
    return InstallModel(
        version_id=str(row.pk),
        attempt=row.check_attempts,
        name=row.name,
        object_key=row.object_key,
        sha256=row.sha256,
        side_file=row.side_file,
        statement=row.statement,
        signature=row.signature,
        deadline_at=time.time() + ANSWER_WITHIN.total_seconds(),
    )


def check_apply(message: CheckReply) -> bool | None:
    """Write what a check found, inside the recorder's transaction. None: unknown version; False: too late."""
    row = ModelVersion.objects.select_for_update().filter(pk=message.version_id).first()
    if row is None:
        return None
    if row.status != Status.CHECKING or row.check_attempts != message.attempt:
        return False
    if message.error_code is not None:
        row.problem = f"{message.error_code}: {message.error or ''}"[:600]
        row.check_until = now() + ASK_AGAIN_AFTER
        row.save()
        return True
    _fill(row, message)
    if message.passed and needs_gate(row) and row.parent_id is None:
        _refuse(row, NO_PARENT)
    elif message.passed:
        _accept(row)
    else:
        _refuse(row, _first_failure(message))
    row.save()
    return True


def _fill(row: ModelVersion, message: CheckReply) -> None:
    row.checks, row.check_facts = reply_lines(message)
    row.checked_at = now()
    row.check_until = None
    row.problem = ""
    row.side_file = message.side_file or row.side_file
    if message.card is not None:
        card_fill(row, message.card)


def reply_lines(message: CheckReply) -> tuple[list[dict[str, object]], dict[str, object]]:
    """The lines and the facts of a check as the row keeps them."""
    lines: list[dict[str, object]] = [
        {
            "check": line.check.value,
            "outcome": line.outcome.value,
            "detail": line.detail,
            "took_ms": line.took_ms,
        }
        for line in message.lines
    ]
    facts: dict[str, object] = {
        "sandbox": list(message.sandbox),
        "median_ms": message.median_ms,
        "memory_bytes": message.memory_bytes,
        "parameters": message.parameters,
        "opset": message.opset,
    }
    return lines, facts


def card_fill(row: ModelVersion, card: ModelCard) -> None:
    """What the side file says; what a person said beside it stays."""
    row.family = card.family[:40]
    row.task = card.task if card.task in ModelTask.values else ModelTask.UNKNOWN
    row.classes = list(card.classes)
    row.input_width, row.input_height = card.input_size
    row.licence, row.source = card.licence[:80], card.source[:500]
    row.thresholds, row.preprocess = dict(card.thresholds), dict(card.preprocess)
    row.preprocessing_sha256 = card.preprocessing_sha256
    row.note = card.note
    row.metrics = dict(card.metrics) or row.metrics
    row.training_data = row.training_data or card.training_data[:500]
    if row.kind == VersionKind.FP32 and card.kind in VersionKind.values:
        row.kind = card.kind
    if row.parent_id is None and card.parent_sha256 and card.parent_sha256 != row.sha256:
        row.parent = ModelVersion.objects.filter(sha256=card.parent_sha256).order_by("first_seen_at").first()


def _accept(row: ModelVersion) -> None:
    row.status = Status.GATED if needs_gate(row) else Status.READY
    if row.artifact == ArtifactFormat.ONNX:
        row.family_ref = row.family_ref or family_for(
            task=row.task, postprocess=row.family, classes=row.classes
        )
        statement_sign(row)
    _record(row, "accept", {"signature": row.signature})
    transaction.on_commit(models_send, robust=True)


def _refuse(row: ModelVersion, why: str) -> None:
    row.status, row.problem, row.check_until = Status.REFUSED, why[:600], None
    _record(row, "refuse", {"reason": row.problem})


def _first_failure(message: CheckReply) -> str:
    bad = [line for line in message.lines if line.outcome is not CheckOutcome.PASSED]
    return f"{bad[0].check}: {bad[0].detail}" if bad else "no check was made"


def install_apply(message: InstallReply) -> bool | None:
    """What became of an installation; that the version is present says the announcement, not this."""
    row = ModelVersion.objects.select_for_update().filter(pk=message.version_id).first()
    if row is None:
        return None
    if row.status not in INSTALLED or row.check_attempts != message.attempt:
        return False
    if message.error_code is None:
        row.problem, row.check_until = "", now() + ANSWER_WITHIN
    else:
        row.problem = f"{message.error_code}: {message.error or ''}"[:600]
        row.check_until = now() + (ASK_AGAIN_AFTER if message.transient else ANSWER_WITHIN)
    row.save()
    publish("models.changed", version_id=str(row.pk))
    return True


def _record(row: ModelVersion, verb: str, details: dict[str, object]) -> None:
    audit.record_change(
        action=f"model.{verb}",
        object_type="model_version",
        object_id=str(row.pk),
        details={"name": row.name, "sha256": row.sha256, **details},
    )
    publish("models.changed", version_id=str(row.pk))
