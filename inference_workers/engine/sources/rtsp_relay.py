"""A relay on loopback between FFmpeg and one checked RTSP connection.

FFmpeg only ever connects to this relay: the name was resolved and the address checked before, TLS is ours,
and what the server says passes the `RtspScreen`. The relay serves one connection and ends with it.
"""

import contextlib
import select
import socket
import ssl
import threading
from urllib.parse import quote

from inference_workers.engine.errors import EngineError
from inference_workers.engine.sources.http_source import tls_context, tls_error
from inference_workers.engine.sources.network import Target, connect
from inference_workers.engine.sources.rtsp_screen import RtspScreen
from inference_workers.engine.sources.sign_in import Credentials

_CHUNK_BYTES = 64 * 1024


class RtspRelay:
    """Connects to `target` at once and waits for FFmpeg on `url()`.

    Args:
        timeout_s: for connecting and for each write.
        idle_s: silence after which the connection is given up; with UDP only keep-alives pass here.

    Attributes:
        error: why the relay ended, for a better sentence than FFmpeg's.
    """

    def __init__(self, target: Target, timeout_s: float, idle_s: float) -> None:
        self._target = target
        self._timeout_s = timeout_s
        self._idle_s = idle_s
        self.screen = RtspScreen()
        self.error: EngineError | None = None
        self._upstream = self._connect()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        self._listener.settimeout(timeout_s)
        self.port = int(self._listener.getsockname()[1])
        self._closing = False
        threading.Thread(target=self._run, name="rtsp-relay", daemon=True).start()

    def url(self, credentials: Credentials | None) -> str:
        """What FFmpeg opens. Never logged: it holds the credentials, if any."""
        user = ""
        if credentials is not None:
            user = f"{quote(credentials.username, safe='')}:{quote(credentials.password, safe='')}@"
        return f"rtsp://{user}127.0.0.1:{self.port}{self._target.path}"

    def close(self) -> None:
        self._closing = True
        for link in (self._upstream, self._listener):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()

    def _connect(self) -> socket.socket:
        link = connect(self._target, self._timeout_s)
        if not self._target.tls:
            return link
        try:
            return tls_context(self._target).wrap_socket(link, server_hostname=self._target.host)
        except OSError as error:
            link.close()
            raise tls_error(self._target) from error

    def _run(self) -> None:
        try:
            client, _ = self._listener.accept()
            self._listener.close()
            with client:
                self._serve(client)
        except OSError as error:
            self._broke(error)
        finally:
            self.close()

    def _serve(self, client: socket.socket) -> None:
        """Pumps to the end. Why it ended is known before FFmpeg sees its connection close and asks for it."""
        try:
            client.settimeout(self._timeout_s)
            self._pump(client)
        except EngineError as error:
            self.error = error
        except OSError as error:
            self._broke(error)

    def _broke(self, error: OSError) -> None:
        if not self._closing:
            self.error = EngineError(
                "connection_lost", f"the camera's connection broke: {error.strerror}", transient=True
            )

    def _pump(self, client: socket.socket) -> None:
        sockets = [client, self._upstream]
        while True:
            readable, _, _ = select.select(sockets, [], [], self._idle_s)
            if not readable:
                code = "stalled" if self.screen.messages else "no_answer"
                raise EngineError(code, "the camera does not answer any more", transient=True)
            if client in readable and not self._copy_request(client):
                return
            if self._upstream in readable and not self._copy_answers(client):
                raise EngineError("connection_lost", "the camera closed the connection", transient=True)

    def _copy_request(self, client: socket.socket) -> bool:
        data = client.recv(_CHUNK_BYTES)
        if data:
            self._upstream.sendall(data)
        return bool(data)

    def _copy_answers(self, client: socket.socket) -> bool:
        while True:
            data = self._upstream.recv(_CHUNK_BYTES)
            if not data:
                return False
            passed = self.screen.feed(data)
            if passed:
                client.sendall(passed)
            # What TLS has decrypted already does not make the socket readable again.
            if not (isinstance(self._upstream, ssl.SSLSocket) and self._upstream.pending()):
                return True
