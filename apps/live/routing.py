"""Addresses of websockets, behind the check of the origin."""

from collections.abc import Awaitable, Callable
from typing import Any

from channels.routing import URLRouter
from django.conf import settings
from django.urls import path

from apps.live.consumer import LiveConsumer

Scope = dict[str, Any]
Application = Callable[
    [Scope, Callable[..., Awaitable[Any]], Callable[..., Awaitable[None]]], Awaitable[None]
]


class OriginChecked:
    """Lets a websocket through from the listed origins alone, or without one (programs, not browsers).

    The list is explicit and separate from ALLOWED_HOSTS: a `*` there would switch Channels' own check off.
    """

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    async def __call__(
        self, scope: Scope, receive: Callable[..., Awaitable[Any]], send: Callable[..., Awaitable[None]]
    ) -> None:
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        if any(origin not in settings.TRUSTED_ORIGINS for origin in origins) or len(origins) > 1:
            await send({"type": "websocket.close", "code": 4403, "reason": "origin not allowed"})
            return
        await self._inner({**scope, "vidette.origin": origins[0] if origins else ""}, receive, send)


def websocket_application() -> OriginChecked:
    return OriginChecked(URLRouter([path("ws/v1/", LiveConsumer.as_asgi())]))
