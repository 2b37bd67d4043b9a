"""The daily look of the product at its own record."""

import logging

from celery import shared_task
from django.db import transaction

from apps.audit.selectors import VERIFIED_ACTION, chain_verify
from apps.audit.services import record_system
from apps.core.context import audit_context, system_context

logger = logging.getLogger(__name__)


@shared_task(name="apps.audit.tasks.verify_chain", ignore_result=True)
def verify_chain() -> bool:
    """Walks the chain and writes the outcome into it; a broken one is an error in the log as well."""
    verdict = chain_verify()
    if not verdict.ok:
        logger.error("the record is broken: record %s %s", verdict.first_bad_seq, verdict.reason)
    details = {
        "ok": verdict.ok,
        "checked": verdict.checked,
        "first_bad": verdict.first_bad_seq,
        "reason": verdict.reason,
    }
    with audit_context(system_context("control")), transaction.atomic():
        record_system(action=VERIFIED_ACTION, details=details)
    return verdict.ok
