"""Whether somebody is there to take work: what the heartbeats say."""

import json
import logging
import time
from typing import cast

from redis.exceptions import RedisError

from apps.core.redis import client
from inference_workers.contracts.names import HEARTBEATS

WORKER_FRESH_S = 15.0
logger = logging.getLogger(__name__)


def worker_lives() -> bool:
    """Whether a GPU worker has spoken just now: a message that nobody takes would only run out."""
    try:
        beats = cast(dict[bytes, bytes], client().hgetall(HEARTBEATS))
    except RedisError as error:
        logger.warning("Redis does not answer: %s", type(error).__name__)
        return False
    return any(name.startswith(b"gpu") and _fresh(text) for name, text in beats.items())


def _fresh(text: bytes) -> bool:
    try:
        at = float(json.loads(text)["at"])
    except (ValueError, TypeError, KeyError):
        return False
    return time.time() - at < WORKER_FRESH_S
