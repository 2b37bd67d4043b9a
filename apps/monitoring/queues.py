"""How much work waits: tasks on the broker, results that the recorder has not committed yet."""

from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings
from kombu import Connection
from kombu.exceptions import KombuError

from apps.core.redis import client
from inference_workers.contracts.names import QUEUE_CONTROL, QUEUE_GPU, RESULTS, RESULTS_GROUP

_TIMEOUT_S = 2


@dataclass(frozen=True, slots=True)
class ResultsLag:
    """`waiting` entries are in the stream; `pending` of them were taken but not committed."""

    waiting: int
    pending: int


def queue_depths() -> dict[str, int]:
    """Waiting tasks per queue; a queue that the broker does not know or cannot tell is absent."""
    return {name: depth for name in (QUEUE_GPU, QUEUE_CONTROL) if (depth := _depth(name)) is not None}


def _depth(name: str) -> int | None:
    # Over Redis the time-outs are the transport's; AMQP has only the one for connecting.
    over_redis = not settings.CELERY_BROKER_URL.startswith("amqp")
    options = {"socket_timeout": _TIMEOUT_S, "socket_connect_timeout": _TIMEOUT_S} if over_redis else {}
    connection = Connection(settings.CELERY_BROKER_URL, connect_timeout=_TIMEOUT_S, transport_options=options)
    unknown: tuple[type[BaseException], ...] = connection.channel_errors
    away: tuple[type[BaseException], ...] = (*connection.connection_errors, KombuError, OSError)
    with connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=_TIMEOUT_S)
            channel: Any = connection.default_channel
            return int(channel.queue_declare(queue=name, passive=True).message_count)
        except unknown:
            return 0 if over_redis else None  # Redis keeps no list without a member
        except away:
            return None


def results_lag() -> ResultsLag:
    """Raises redis.RedisError when Redis does not answer."""
    redis_client = client()
    waiting = int(redis_client.xlen(RESULTS))
    try:
        pending = redis_client.xpending(RESULTS, RESULTS_GROUP)["pending"]
    except redis.ResponseError:
        pending = 0  # no recorder has made the group yet
    return ResultsLag(waiting, int(pending))
