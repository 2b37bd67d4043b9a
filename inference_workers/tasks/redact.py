"""The Celery task of redactions: strict JSON in, one reply on the results stream."""

import logging
import os
from functools import cache

from inference_workers.celery_app import app
from inference_workers.contracts.codec import ContractError, decode, encode
from inference_workers.contracts.names import RESULTS, TASK_REDACT
from inference_workers.contracts.redactions import RedactionReply, RedactionStep
from inference_workers.objects import Objects
from inference_workers.settings import settings
from inference_workers.tasks.redact_alive import StepsInHand
from inference_workers.tasks.redact_desk import FilmDesk
from inference_workers.tasks.redact_files import StepFiles, scratch_folder
from inference_workers.tasks.runtime import runtime

RESULTS_LENGTH = 200_000
logger = logging.getLogger(__name__)


@app.task(name=TASK_REDACT)
def redact(message: str) -> None:
    """`message` is a RedactionStep; its answer is a RedactionReply on the results stream."""
    try:
        step = decode(RedactionStep, message)
    except ContractError as error:
        runtime().counters.error("bad_message")
        logger.warning("a step of another release was dropped: %s", error)
        return
    in_hand().begin(step)
    desk().take(step)


@cache
def in_hand() -> StepsInHand:
    return StepsInHand(runtime().redis)


@cache
def desk() -> FilmDesk:
    """The one desk of this worker process."""
    config = settings()
    files = StepFiles(Objects(config.object_store_url), scratch_folder(config.data_dir))
    return FilmDesk(files, runtime().counters, tell, os.environ, config.film_steps)


def tell(reply: RedactionReply) -> None:
    """Put a reply on the results stream, where the recorder finds it."""
    fields = {"type": type(reply).__name__, "data": encode(reply)}
    runtime().redis.xadd(RESULTS, fields, maxlen=RESULTS_LENGTH, approximate=True)  # type: ignore[arg-type]
    in_hand().end(reply)
