"""The clock's task: packs that were asked for are made, one after the other."""

from celery import shared_task

from apps.evidence.building import packs_sweep


@shared_task(name="apps.evidence.tasks.sweep", ignore_result=True)
def sweep() -> int:
    return packs_sweep()
