"""The clock's task: jobs that nobody works on are sent again, gates of new variants are opened."""

from celery import shared_task

from apps.evaluations.sweeping import evaluations_sweep


@shared_task(name="apps.evaluations.tasks.sweep_evaluations", ignore_result=True)
def sweep_evaluations() -> dict[str, int]:
    return evaluations_sweep()
