"""Periodic work of the leak meter."""

from celery import shared_task

from apps.monitoring.leaks import leaks_judge_all


@shared_task(name="apps.monitoring.tasks.judge_leaks", ignore_result=True)
def judge_leaks() -> int:
    return leaks_judge_all()
