"""The clock's tasks: what is over is deleted every ten minutes, the object store is looked through daily."""

from celery import shared_task

from apps.retention.services import retention_sweep


@shared_task(name="apps.retention.tasks.sweep", ignore_result=True)
def sweep() -> bool:
    return retention_sweep() is not None


@shared_task(name="apps.retention.tasks.sweep_orphans", ignore_result=True)
def sweep_orphans() -> bool:
    return retention_sweep(orphans=True) is not None
