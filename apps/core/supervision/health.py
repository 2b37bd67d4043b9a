"""Is a running process well? It answers its address, or it wrote a heartbeat a short while ago."""

import contextlib
import http.client
import json
from collections.abc import Mapping

import redis

from inference_workers.contracts.names import HEARTBEATS

HEARTBEAT_MAX_AGE_S = 30.0  # fifteen times the slowest interval: room for crowded cores
QUIET_AFTER_S = 10.0  # from here on the table says so
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


def heartbeat_times(client: redis.Redis) -> dict[str, float] | None:
    """Process name -> POSIX seconds of its last heartbeat; None when Redis cannot be asked."""
    try:
        found: Mapping[bytes, bytes] = client.hgetall(HEARTBEATS)  # type: ignore[assignment]  # sync client
    except redis.RedisError:
        return None
    times = {}
    for name, text in found.items():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            times[name.decode()] = float(json.loads(text)["at"])
    return times


def is_silent(silence_s: float, *, spoke: bool) -> bool:
    """Whether a process that should write heartbeats has hung; `spoke` says whether it ever wrote one."""
    return silence_s > (HEARTBEAT_MAX_AGE_S if spoke else STARTING_S)
