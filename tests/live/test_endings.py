"""Whatever ends a websocket: nothing of it goes on in the web process, and its camera is watched no more."""

import asyncio
import json

import pytest

from apps.live import clients
from apps.live.consumer import LiveConsumer

pytestmark = pytest.mark.database_neutral


class ClientGone(OSError):
    """What an ASGI server raises when somebody sends to a client that has left."""


async def _served(says, send):
    """One connection that says something that is answered, then leaves."""
    incoming = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": json.dumps(says)},
        {"type": "websocket.disconnect", "code": 1006},
    ]

    async def receive():
        await asyncio.sleep(0)
        return incoming.pop(0)

    scope = {"type": "websocket", "path": "/ws/v1/", "headers": [], "vidette.origin": ""}
    await LiveConsumer.as_asgi()(scope, receive, send)


def _fails_to_send(error):
    async def send(message):
        if message["type"] == "websocket.send":
            raise error

    return send


def _left():
    """Connections that are counted, and what of them still runs."""
    counted = clients.CONNECTED.collect()[0].samples[0].value
    names = (task.get_coro().__qualname__ for task in asyncio.all_tasks())
    return counted, [name for name in names if name.startswith("LiveConsumer")]


async def test_a_client_that_leaves_while_it_is_told_something(redis_server):
    before = _left()
    await _served({"type": "ping"}, _fails_to_send(ClientGone()))
    assert _left() == before


async def test_an_error_that_nobody_foresaw(redis_server):
    before = _left()
    with pytest.raises(ZeroDivisionError):
        await _served({"type": "ping"}, _fails_to_send(ZeroDivisionError()))
    assert _left() == before
