"""The clock's task: what is over locks, what no worker answered for is sent again."""

from celery import shared_task

from apps.unmasking.services import grants_sweep, parts_sweep


@shared_task(name="apps.unmasking.tasks.sweep", ignore_result=True)
def sweep() -> dict[str, int]:
    return {"locked": grants_sweep(), "sent": parts_sweep()}
