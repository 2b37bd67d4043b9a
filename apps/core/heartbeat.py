"""The control worker and the clock say that their loops turn: for `up`, the page *Health* and `/metrics`."""

import json
import logging
import os
import time
from functools import cache

import psutil
import redis
from django.conf import settings

from inference_workers.contracts.names import HEARTBEATS

HEARTBEAT_EVERY_S = 2.0
TIMEOUT_S = 2.0  # the loop that says so waits for the answer

logger = logging.getLogger(__name__)


class Heart:
    """Writes one line about this process, at most every `HEARTBEAT_EVERY_S`.

    It is called by the loop that does the work, never by a thread of its own: that would go on beside a
    loop that hangs.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._beaten_at = -HEARTBEAT_EVERY_S

    def beat(self) -> None:
        if time.monotonic() - self._beaten_at < HEARTBEAT_EVERY_S:
            return
        self._beaten_at = time.monotonic()
        word = {"at": time.time(), "pid": os.getpid(), "rss_bytes": psutil.Process().memory_info().rss}
        try:
            _client().hset(HEARTBEATS, self.name, json.dumps(word))
        except redis.RedisError as error:
            logger.warning("the heartbeat could not be written: %s", type(error).__name__)


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
    )
