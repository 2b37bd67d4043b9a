"""The product's own care for its record: a daily look at it, and signed checkpoints."""

import logging

from celery import shared_task
from django.db import transaction

from apps.audit.checkpoints import checkpoints_make
from apps.audit.installation import settings_record
from apps.audit.selectors import VERIFIED_ACTION, chain_verify
from apps.audit.services import record_system
from apps.core.context import audit_context, system_context
from apps.core.errors import Unavailable

logger = logging.getLogger(__name__)


@shared_task(name="apps.audit.tasks.verify_chain", ignore_result=True)
def verify_chain() -> bool:
    """Walks the chain and writes the outcome into it; a broken one is an error in the log as well."""
    verdict = chain_verify()
    if not verdict.ok:
        logger.error("the record is broken: record %s %s", verdict.first_bad_seq, verdict.reason)
    if verdict.bad_time_stamps:
        logger.error("time stamps do not fit their checkpoints: %s", verdict.bad_time_stamps)
    details = {
        "ok": verdict.ok,
        "checked": verdict.checked,
        "first_bad": verdict.first_bad_seq,
        "reason": verdict.reason,
        "checkpoints": verdict.checkpoints,
        "covered": verdict.covered_seq,
        "not_outside": verdict.not_outside,
        "time_stamps": verdict.time_stamps,
        "bad_time_stamps": verdict.bad_time_stamps,
    }
    with audit_context(system_context("control")), transaction.atomic():
        record_system(action=VERIFIED_ACTION, details=details)
    return verdict.ok


@shared_task(name="apps.audit.tasks.make_checkpoints", ignore_result=True)
def make_checkpoints() -> int:
    """Signs what is due. When the storage does not answer, the log says so and the next tick tries again."""
    try:
        return checkpoints_make()
    except Unavailable as error:
        logger.error("no checkpoint of the record could be made: %s", error.message)
        return 0


@shared_task(name="apps.audit.tasks.record_settings", ignore_result=True)
def record_settings() -> bool:
    """A changed setting is found within a minute of the start with it."""
    with audit_context(system_context("control")):
        return settings_record()
