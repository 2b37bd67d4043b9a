"""The Celery task of evaluations: strict JSON in, one reply on the results stream."""

import logging
import os
import threading
from functools import cache
from typing import Any

import redis

from inference_workers.celery_app import app
from inference_workers.contracts.codec import ContractError, decode, encode
from inference_workers.contracts.evaluations import (
    RUNNING_TTL_S,
    TASK_EVALUATE,
    EvaluationReply,
    EvaluationStep,
    running_key,
)
from inference_workers.contracts.names import RESULTS
from inference_workers.engine.films.folder import WorkFolder
from inference_workers.objects import Objects
from inference_workers.settings import settings
from inference_workers.tasks.evaluate_desk import EvaluationDesk, Workplace
from inference_workers.tasks.runtime import runtime
from inference_workers.tasks.scratch import EVALUATIONS, own_folder

RENEW_EVERY_S = 4.0
RESULTS_LENGTH = 200_000
logger = logging.getLogger(__name__)


@app.task(name=TASK_EVALUATE)
def evaluate(message: str) -> None:
    """`message` is an EvaluationStep; its answer is an EvaluationReply on the results stream."""
    try:
        step = decode(EvaluationStep, message)
    except ContractError as error:
        runtime().counters.error("bad_message")
        logger.warning("an evaluation of another release was dropped: %s", error)
        return
    in_hand().note(step, 0, 0)
    desk().take(step)


class JobsInHand:
    """Says which jobs this worker has and how far they are; the ledger misses it when it is killed."""

    def __init__(self, client: Any) -> None:
        self._redis = client
        self._jobs: dict[str, str] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def note(self, step: EvaluationStep, done: int, total: int) -> None:
        key = running_key(step.job_id, step.attempt)
        with self._lock:
            self._jobs[key] = f"{done}/{total}"
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew_forever, name="jobs-in-hand", daemon=True)
                self._thread.start()
        self._renew()

    def end(self, reply: EvaluationReply) -> None:
        """After the reply was sent: in between the job must not look forgotten."""
        key = running_key(reply.job_id, reply.attempt)
        with self._lock:
            self._jobs.pop(key, None)
        try:
            self._redis.delete(key)
        except redis.RedisError:
            logger.warning("the key of a finished job was left to expire")

    def _renew_forever(self) -> None:
        pause = threading.Event()
        while not pause.wait(RENEW_EVERY_S):
            self._renew()

    def _renew(self) -> None:
        with self._lock:
            jobs = dict(self._jobs)
        try:
            for key, progress in jobs.items():
                self._redis.set(key, progress, ex=RUNNING_TTL_S)
        except redis.RedisError as error:
            logger.warning("jobs in hand could not be announced: %s", type(error).__name__)


@cache
def in_hand() -> JobsInHand:
    return JobsInHand(runtime().redis)


@cache
def desk() -> EvaluationDesk:
    """The one desk of this worker process."""
    config, here = settings(), runtime()
    folder = WorkFolder(own_folder(config.data_dir, EVALUATIONS))
    place = Workplace(Objects(config.object_store_url), folder)
    return EvaluationDesk(place, here.counters, tell, in_hand().note, os.environ)


def tell(reply: EvaluationReply) -> None:
    """Put a reply on the results stream, where the recorder finds it."""
    fields = {"type": type(reply).__name__, "data": encode(reply)}
    runtime().redis.xadd(RESULTS, fields, maxlen=RESULTS_LENGTH, approximate=True)  # type: ignore[arg-type]
    in_hand().end(reply)
