"""The Celery tasks of uploaded models: strict JSON in, one reply on the results stream."""

import logging
from functools import cache
from typing import TypeVar

from inference_workers.celery_app import app
from inference_workers.contracts.codec import ContractError, decode, encode
from inference_workers.contracts.model_checks import (
    TASK_CHECK_MODEL,
    TASK_INSTALL_MODEL,
    CheckModel,
    CheckReply,
    InstallModel,
    InstallReply,
)
from inference_workers.contracts.names import RESULTS
from inference_workers.objects import Objects
from inference_workers.settings import settings
from inference_workers.tasks.check_models import ModelDesk, one_at_a_time
from inference_workers.tasks.runtime import runtime
from inference_workers.tasks.scratch import MODELS, own_folder

RESULTS_LENGTH = 200_000
logger = logging.getLogger(__name__)
W = TypeVar("W")


@app.task(name=TASK_CHECK_MODEL)
def check_model(message: str) -> None:
    """`message` is a CheckModel; its answer is a CheckReply on the results stream, later."""
    work = _decoded(CheckModel, message)
    if work is not None:
        desk().take_check(work)


@app.task(name=TASK_INSTALL_MODEL)
def install_model(message: str) -> None:
    """`message` is an InstallModel; its answer is an InstallReply on the results stream, later."""
    work = _decoded(InstallModel, message)
    if work is not None:
        desk().take_install(work)


def _decoded(contract: type[W], message: str) -> W | None:
    try:
        return decode(contract, message)
    except ContractError as error:
        runtime().counters.error("bad_message")
        logger.warning("work on a model of another release was dropped: %s", error)
        return None


@cache
def desk() -> ModelDesk:
    """The one desk of this worker process."""
    config, here = settings(), runtime()
    return ModelDesk(
        Objects(config.object_store_url),
        here.directory,
        own_folder(config.data_dir, MODELS),
        here.counters,
        tell,
        here.announce_models,
        one_at_a_time(),
    )


def tell(reply: CheckReply | InstallReply) -> None:
    """Put a reply on the results stream, where the recorder finds it."""
    fields = {"type": type(reply).__name__, "data": encode(reply)}
    runtime().redis.xadd(RESULTS, fields, maxlen=RESULTS_LENGTH, approximate=True)  # type: ignore[arg-type]
