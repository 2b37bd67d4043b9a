"""Is a running process well? It answers its address, or it wrote a heartbeat a short while ago."""

import contextlib
import http.client
import json
import time
from collections.abc import Mapping

import redis

from inference_workers.contracts.names import HEARTBEATS

HEARTBEAT_MAX_AGE_S = 30.0
STARTING_S = 60.0  # the first heartbeat may wait for models to load
ANSWER_TIMEOUT_S = 3.0
MISSES_UNTIL_RESTART = 3


def answers(host: str, port: int, path: str, timeout_s: float = ANSWER_TIMEOUT_S) -> bool:
    """Whether an HTTP GET is answered with 200."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def heartbeat_times(client: redis.Redis) -> dict[str, float]:
    """Process name -> POSIX seconds of its last heartbeat; empty when Redis cannot be asked."""
    try:
        found: Mapping[bytes, bytes] = client.hgetall(HEARTBEATS)  # type: ignore[assignment]  # sync client
    except redis.RedisError:
        return {}
    times = {}
    for name, text in found.items():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            times[name.decode()] = float(json.loads(text)["at"])
    return times


def is_silent(last_heartbeat_at: float | None, *, lived_s: float, now: float | None = None) -> bool:
    """Whether a process that should write heartbeats has stopped doing so."""
    if lived_s < STARTING_S:
        return False
    now = time.time() if now is None else now
    # A heartbeat older than the process itself is its predecessor's.
    age_s = lived_s if last_heartbeat_at is None else min(now - last_heartbeat_at, lived_s)
    return age_s > HEARTBEAT_MAX_AGE_S
