"""The Celery tasks: strict JSON in, one answer to the asker's Redis list."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from inference_workers.celery_app import app
from inference_workers.contracts.codec import ContractError, decode, encode
from inference_workers.contracts.frames import AnalyseBatch
from inference_workers.contracts.names import RESULTS, TASK_ANALYSE, TASK_ANALYSE_IMAGE
from inference_workers.contracts.reveals import TASK_REVEAL, RevealSegment
from inference_workers.contracts.uploads import AnalyseImage, AnalyseImageReply
from inference_workers.tasks.runtime import Runtime, runtime

logger = logging.getLogger(__name__)

REPLY_EXPIRES_S = 30
RESULTS_LENGTH = 200_000
_ATTEMPTS_EXPIRE_S = 3600
MAX_STARTS = 2


@app.task(name=TASK_ANALYSE)
def analyse(message: str) -> None:
    """`message` is an AnalyseBatch; its answer is a BatchReply."""
    here = runtime()
    with _busy(here):
        try:
            batch = decode(AnalyseBatch, message)
        except ContractError as error:
            here.counters.error("bad_message")
            logger.warning("a batch of another release was dropped: %s", error)
            return
        reply = here.analyser.analyse(batch)
        if reply is not None:
            _push(here, batch.reply_to, encode(reply))


@app.task(name=TASK_ANALYSE_IMAGE)
def analyse_image(message: str) -> None:
    """`message` is an AnalyseImage; its answer goes to `reply_to` and into the results stream."""
    here = runtime()
    with _busy(here):
        try:
            work = decode(AnalyseImage, message)
        except ContractError as error:
            here.counters.error("bad_message")
            logger.warning("a picture of another release was dropped: %s", error)
            return
        if _starts(here, work) > MAX_STARTS:
            reply = AnalyseImageReply(
                work.work_id, work.attempt, error_code="worker_lost",
                error="the worker died twice while it analysed this picture",
            )  # fmt: skip
        else:
            reply = here.images.analyse(work)
        # Reported before the input goes: killed in between, the same work is done once more.
        fields = {"type": type(reply).__name__, "data": encode(reply)}
        here.redis.xadd(RESULTS, fields, maxlen=RESULTS_LENGTH, approximate=True)  # type: ignore[arg-type]
        _push(here, work.reply_to, encode(reply))
        here.images.discard_input(work, reply)


@app.task(name=TASK_REVEAL)
def reveal(message: str) -> None:
    """`message` is a RevealSegment; its answer goes into the results stream."""
    here = runtime()
    with _busy(here):
        try:
            work = decode(RevealSegment, message)
        except ContractError as error:
            here.counters.error("bad_message")
            logger.warning("an unmasking of another release was dropped: %s", error)
            return
        reply = here.reveals.reveal(work)
        fields = {"type": type(reply).__name__, "data": encode(reply)}
        here.redis.xadd(RESULTS, fields, maxlen=RESULTS_LENGTH, approximate=True)  # type: ignore[arg-type]


def _starts(here: Runtime, work: AnalyseImage) -> int:
    """How often this attempt was begun: a picture that kills its worker must not do so for ever."""
    key = f"vidette:image-starts:{work.work_id}:{work.attempt}"
    with here.redis.pipeline(transaction=True) as pipeline:
        pipeline.incr(key)
        pipeline.expire(key, _ATTEMPTS_EXPIRE_S)
        count, _ = pipeline.execute()
    return int(count)


def _push(here: Runtime, key: str, text: str) -> None:
    with here.redis.pipeline(transaction=True) as pipeline:
        pipeline.rpush(key, text)
        pipeline.expire(key, REPLY_EXPIRES_S)
        pipeline.execute()


@contextmanager
def _busy(here: Runtime) -> Iterator[None]:
    thread = threading.get_ident()
    here.busy_since[thread] = time.time()
    try:
        yield
    finally:
        here.busy_since.pop(thread, None)
