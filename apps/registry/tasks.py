"""Reads what the data plane announces into the register."""

import logging
from typing import cast

from celery import shared_task

from apps.core.context import audit_context, system_context
from apps.core.redis import client
from apps.registry.checking import models_send
from apps.registry.services import models_announced
from inference_workers.contracts.codec import ContractError, decode
from inference_workers.contracts.models import ModelCard
from inference_workers.contracts.names import MODELS_PRESENT

logger = logging.getLogger(__name__)


@shared_task(name="apps.registry.tasks.sync_models", ignore_result=True)
def sync_models() -> int:
    """Before the first announcement there is nothing to say, and nothing is marked as absent."""
    announced = cast(dict[bytes, bytes], client().hgetall(MODELS_PRESENT))
    if not announced:
        return 0
    with audit_context(system_context("registry")):
        return models_announced(_cards(announced))


@shared_task(name="apps.registry.tasks.work_models", ignore_result=True)
def work_models() -> int:
    """Checks and installations that nobody works on are asked for (again)."""
    with audit_context(system_context("registry")):
        return models_send()


def _cards(announced: dict[bytes, bytes]) -> list[ModelCard]:
    cards = []
    for name, text in announced.items():
        try:
            cards.append(decode(ModelCard, text))
        except ContractError as error:
            logger.error("model %s: its announcement was refused: %s", name[:80], error)
    return cards
