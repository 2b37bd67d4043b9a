"""The clock's task: the guards look, proofs of going back are noted, and what is assigned is kept."""

from celery import shared_task

from apps.core.context import audit_context, system_context
from apps.rollouts.services import guards_look, proofs_check, serving_noted


@shared_task(name="apps.rollouts.tasks.look", ignore_result=True)
def look() -> dict[str, int]:
    with audit_context(system_context("guard")):
        return {"taken_back": guards_look(), "proved": proofs_check(), "noted": serving_noted() is not None}
