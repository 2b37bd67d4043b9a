"""The control plane's connections to Redis: one pool per process, and one per event loop."""

import asyncio
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings

CONNECT_TIMEOUT_S = 2.0
SOCKET_TIMEOUT_S = 15.0  # a blocking read has to ask for less than this
_OPTIONS: dict[str, Any] = {
    "socket_connect_timeout": CONNECT_TIMEOUT_S,
    "socket_timeout": SOCKET_TIMEOUT_S,
    "health_check_interval": 30,
}
_async_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()


@cache
def client() -> redis.Redis:
    """The client for ordinary code; answers are bytes."""
    return redis.Redis.from_url(settings.REDIS_URL, **_OPTIONS)


def async_client() -> redis.asyncio.Redis:
    """The client of the running event loop; answers are bytes."""
    loop = asyncio.get_running_loop()
    if loop not in _async_clients:
        _async_clients[loop] = redis.asyncio.Redis.from_url(settings.REDIS_URL, **_OPTIONS)
    return _async_clients[loop]
