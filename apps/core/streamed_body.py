"""Large uploads under ASGI: the body of chosen requests is read by the view while it arrives.

Django's handler takes a whole body in before any code of ours runs: an upload of hours of video would lie on
the disk twice and be refused, if at all, at its end. Here the view's thread asks for the next part, so a slow
store slows the client down and memory holds one part.
"""

import asyncio
import io
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import TimeoutError as Late
from typing import Any

from django.core.handlers.asgi import ASGIHandler

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
PATIENCE_S = 60.0  # a client that sends nothing for so long has gone


class StreamedBody(io.RawIOBase):
    """A readable file for the thread of the view; `receive` is the server's, in its event loop."""

    def __init__(self, receive: Receive, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._receive = receive
        self._loop = loop
        self._rest = b""
        self._more = True
        self._ended = asyncio.Event()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, all for -1; empty at the end. Raises OSError when the client went away."""
        parts = [self._rest]
        have = len(self._rest)
        while self._more and (size < 0 or have < size):
            parts.append(self._next_part())
            have += len(parts[-1])
        data = b"".join(parts)
        cut = len(data) if size < 0 else size
        self._rest = data[cut:]
        return data[:cut]

    def _next_part(self) -> bytes:
        future = asyncio.run_coroutine_threadsafe(self._take(), self._loop)
        try:
            return future.result(PATIENCE_S)
        except Late as error:
            future.cancel()
            self._more = False
            raise OSError(f"the client sent nothing for {PATIENCE_S:.0f} s") from error

    async def _take(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._more = False
            raise OSError("the client went away before the end of its upload")
        self._more = bool(message.get("more_body", False))
        if not self._more:
            self._ended.set()
        return bytes(message.get("body", b""))

    async def after(self) -> Message:
        """What the server says behind the body: only then may somebody else listen for a disconnect."""
        await self._ended.wait()
        return await self._receive()


class StreamingHandler(ASGIHandler):
    """Django's handler, with a streamed body for POST to addresses that match `streamed`."""

    def __init__(self, streamed: re.Pattern[str]) -> None:
        super().__init__()
        self._streamed = streamed

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and self._streamed.fullmatch(scope["path"]):
            receive = _Receiver(StreamedBody(receive, asyncio.get_running_loop()))
        await super().__call__(scope, receive, send)

    async def read_body(self, receive: Any) -> Any:
        return receive.body if isinstance(receive, _Receiver) else await super().read_body(receive)


class _Receiver:
    """Takes the place of the server's `receive` while the view reads the body."""

    def __init__(self, body: StreamedBody) -> None:
        self.body = body

    async def __call__(self) -> Message:
        return await self.body.after()
