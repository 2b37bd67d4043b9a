"""Periodic work on results."""

from celery import shared_task

from apps.core.clock import now
from apps.detections.accounts import accounts_close_silent


@shared_task(name="apps.detections.tasks.close_accounts", ignore_result=True)
def close_accounts() -> int:
    return accounts_close_silent(now())
