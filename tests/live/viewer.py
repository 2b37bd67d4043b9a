"""A client of the websocket, as a browser or a program would be."""

import json
import time
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from inference_workers.contracts.live import LiveHeader, unpack

PATIENCE_S = 10.0
Message = dict[str, Any]


class Viewer:
    """Reads in order; what is not asked for yet is kept."""

    def __init__(self, port: int, *, origin: str | None = None, cookie: str = "") -> None:
        self.messages: list[Message] = []
        self.pictures: list[LiveHeader] = []
        self.raw: list[bytes] = []
        self._opened = ExitStack()
        self._socket: ClientConnection = self._opened.enter_context(
            connect(
                f"ws://127.0.0.1:{port}/ws/v1/",
                origin=origin,
                additional_headers={"Cookie": cookie} if cookie else {},
                max_size=None,
                compression=None,
                open_timeout=PATIENCE_S,
                close_timeout=0.5,  # with a full queue it no longer hears that the other side closed
            )
        )

    def say(self, kind: str, **fields: Any) -> None:
        self._socket.send(json.dumps({"type": kind, **fields}))

    def send(self, data: str | bytes) -> None:
        self._socket.send(data)

    def _read(self, timeout_s: float) -> Message | None:
        """One message; None for a picture."""
        data = self._socket.recv(timeout=max(0.0, timeout_s))
        if isinstance(data, bytes):
            self.raw.append(data)
            self.pictures.append(unpack(data)[0])
            return None
        message: Message = json.loads(data)
        self.messages.append(message)
        return message

    def expect(self, kind: str, *, within_s: float = PATIENCE_S, **fields: Any) -> Message:
        """The next message of this type with these fields. Raises TimeoutError, ConnectionClosed."""
        deadline = time.monotonic() + within_s
        while True:
            message = self._read(deadline - time.monotonic())
            if message and message["type"] == kind and fields.items() <= message.items():
                return message

    def watch(self, camera_id: object) -> "Viewer":
        self.say("subscribe", camera_id=str(camera_id))
        self.expect("subscribed", camera_id=str(camera_id))
        return self

    def next_picture(self, *, within_s: float = PATIENCE_S) -> LiveHeader:
        deadline, before = time.monotonic() + within_s, len(self.pictures)
        while len(self.pictures) == before:
            self._read(deadline - time.monotonic())
        return self.pictures[-1]

    def listen(self, seconds: float) -> list[Message]:
        """Reads for so long; returns the messages of that time (pictures are in `pictures`)."""
        deadline, before = time.monotonic() + seconds, len(self.messages)
        try:
            while True:
                self._read(deadline - time.monotonic())
        except TimeoutError:
            return self.messages[before:]

    def closing(self, *, within_s: float) -> tuple[int, str, float]:
        """Reads until the server closes: code, reason, seconds that it took."""
        started = time.monotonic()
        with pytest.raises(ConnectionClosed) as ending:
            self.listen(within_s)
        word = ending.value.rcvd
        assert word is not None, "the connection ended without a word"
        return word.code, word.reason, time.monotonic() - started

    def close(self) -> None:
        self._opened.close()
