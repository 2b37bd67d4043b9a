"""Says which steps this worker has in hand, so that the ledger misses it within seconds when it is killed."""

import logging
import threading

import redis

from inference_workers.contracts.redactions import (
    RUNNING_TTL_S,
    RedactionReply,
    RedactionStep,
    running_key,
)

RENEW_EVERY_S = 4.0
logger = logging.getLogger(__name__)


class StepsInHand:
    """Renews the key of every step from `begin` to `end`. Safe in several threads."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client
        self._keys: set[str] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self, step: RedactionStep) -> None:
        key = running_key(step.job.job_id, step.kind, step.segment, step.attempt)
        with self._lock:
            self._keys.add(key)
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew_forever, name="steps-in-hand", daemon=True)
                self._thread.start()
        self._renew([key])

    def end(self, reply: RedactionReply) -> None:
        """After the reply was sent: in between the step must not look forgotten."""
        key = running_key(reply.job_id, reply.kind, reply.segment, reply.attempt)
        with self._lock:
            self._keys.discard(key)
        try:
            self._redis.delete(key)
        except redis.RedisError:
            logger.warning("the key of a finished step was left to expire")

    def _renew_forever(self) -> None:
        pause = threading.Event()
        while not pause.wait(RENEW_EVERY_S):
            with self._lock:
                keys = list(self._keys)
            self._renew(keys)

    def _renew(self, keys: list[str]) -> None:
        try:
            for key in keys:
                self._redis.set(key, "1", ex=RUNNING_TTL_S)
        except redis.RedisError as error:
            logger.warning("steps in hand could not be announced: %s", type(error).__name__)
