"""The clock's tasks: leases are renewed, forgotten work is sent again."""

from celery import shared_task

from apps.dispatch.services import TASK_PUSH, lease_push, leases_renew
from apps.dispatch.work import work_sweep


@shared_task(name="apps.dispatch.tasks.renew_leases", ignore_result=True)
def renew_leases() -> int:
    return leases_renew()


@shared_task(name=TASK_PUSH, ignore_result=True)
def push_lease(camera_id: str) -> bool:
    return lease_push(camera_id)


@shared_task(name="apps.dispatch.tasks.sweep_work", ignore_result=True)
def sweep_work() -> dict[str, int]:
    return work_sweep()
