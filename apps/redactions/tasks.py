"""The clock's tasks: steps that nobody works on are sent again, what is over is deleted."""

from celery import shared_task

from apps.redactions.forgetting import forgotten_sweep
from apps.redactions.sweeping import redactions_sweep


@shared_task(name="apps.redactions.tasks.sweep_redactions", ignore_result=True)
def sweep_redactions() -> dict[str, int]:
    return redactions_sweep()


@shared_task(name="apps.redactions.tasks.forget_redactions", ignore_result=True)
def forget_redactions() -> dict[str, int]:
    return forgotten_sweep()
