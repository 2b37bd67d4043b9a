"""Whatever ends a websocket: nothing of it goes on in the web process, and its camera is watched no more."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps.live import clients
from apps.live.consumer import LiveConsumer

pytestmark = pytest.mark.database_neutral


class ClientGone(OSError):
    """What an ASGI server raises when somebody sends to a client that has left."""


def _connected():
    return clients.CONNECTED.collect()[0].samples[0].value


async def _served(error):
    """One connection whose first message cannot be answered, for `error`; then the client leaves.

    Returns what ended it, and what of it still runs.
    """
    incoming = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": json.dumps({"type": "ping"})},
        {"type": "websocket.disconnect", "code": 1006},
    ]

    async def receive():
        await asyncio.sleep(0)
        return incoming.pop(0)

    async def send(message):
        if message["type"] == "websocket.send":
            raise error

    scope = {"type": "websocket", "path": "/ws/v1/", "headers": [], "vidette.origin": ""}
    ended = (await asyncio.gather(LiveConsumer.as_asgi()(scope, receive, send), return_exceptions=True))[0]
    names = (task.get_coro().__qualname__ for task in asyncio.all_tasks())
    return ended, [name for name in names if name.startswith("LiveConsumer")]


def _in_a_loop_of_its_own(error):
    """In a thread: browser tests leave a loop that runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, _served(error)).result(timeout=30)


def test_a_client_that_leaves_while_it_is_told_something(redis_server):
    before = _connected()
    assert _in_a_loop_of_its_own(ClientGone()) == (None, [])
    assert _connected() == before


def test_an_error_that_nobody_foresaw(redis_server):
    before = _connected()
    ended, left = _in_a_loop_of_its_own(ZeroDivisionError())
    assert isinstance(ended, ZeroDivisionError)
    assert left == []
    assert _connected() == before
