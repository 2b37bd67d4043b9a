"""Cameras for tests: real RTSP, MJPEG and HLS servers, and servers that misbehave."""

import http.server
import io
import os
import signal
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from PIL import Image

from tests.services import free_port
from tests.workers.videos import picture

SCRIPT = Path(__file__).with_name("rtsp_server.py")


class RtspCamera:
    """GStreamer's RTSP server in a process of its own; keeps its port over stops and starts."""

    def __init__(self, *sign_in: str) -> None:
        self.port = free_port()
        self._sign_in = sign_in
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, name: str = "moving") -> str:
        return f"rtsp://127.0.0.1:{self.port}/{name}"

    def start(self) -> "RtspCamera":
        self._process = subprocess.Popen(
            ["/usr/bin/python3", str(SCRIPT), str(self.port), *self._sign_in], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", "the RTSP server did not start"
        return self

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def __enter__(self) -> "RtspCamera":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def jpeg(number: int) -> bytes:
    target = io.BytesIO()
    Image.fromarray(picture(number)[:, :, ::-1]).save(target, "JPEG", quality=85)
    return target.getvalue()


class MjpegCamera(http.server.BaseHTTPRequestHandler):
    """Paths: /stream, /frozen, /private (Digest would be alice), /to?URL redirects."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
            return
        if self.path == "/private" and self.headers.get("Authorization") != "Basic YWxpY2U6czNjcmV0":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        number = 0
        while True:
            data = jpeg(0 if self.path == "/frozen" else number)
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + data + b"\r\n")
            except OSError:
                return
            number += 1
            time.sleep(0.1)


@contextmanager
def http_server(handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server on a free port of loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _QuietFolder(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def folder_server(folder: Path) -> object:
    return http_server(partial(_QuietFolder, directory=str(folder)))


class _OneAnswer(socketserver.BaseRequestHandler):
    answer = b""

    def handle(self) -> None:
        try:
            self.request.recv(4096)
            if self.answer:
                self.request.sendall(self.answer)
            time.sleep(20)
        except OSError:
            return


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A port whose server sends `answer` after the first bytes of a client (b"" for ever nothing)."""
    handler = type("Handler", (_OneAnswer,), {"answer": answer})
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def half_open() -> Iterator[int]:
    """A port that accepts connections (the kernel does) and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        yield int(listener.getsockname()[1])


class Wire:
    """Between a camera and the product: passes bytes on, or holds them back, or turns them into noise."""

    def __init__(self, camera_port: int) -> None:
        self._camera_port = camera_port
        self._spoils = threading.Event()
        self._holds = threading.Event()
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def spoil(self) -> None:
        self._spoils.set()

    def hold(self) -> None:
        """Nothing more arrives, and nobody closes: a half-open connection."""
        self._holds.set()

    def mend(self) -> None:
        self._spoils.clear()
        self._holds.clear()

    def _handler(self) -> type[socketserver.BaseRequestHandler]:
        wire = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(("127.0.0.1", wire._camera_port)) as camera:
                    threading.Thread(target=wire._pass_on, args=(self.request, camera), daemon=True).start()
                    wire._pass_on(camera, self.request, from_camera=True)

        return Handler

    def _pass_on(self, source: socket.socket, target: socket.socket, *, from_camera: bool = False) -> None:
        try:
            while data := source.recv(65536):
                while self._holds.is_set():
                    time.sleep(0.05)
                noise = from_camera and self._spoils.is_set()
                target.sendall(os.urandom(len(data)) if noise else data)
        except OSError:
            return

    def __enter__(self) -> "Wire":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.mend()
        self._server.shutdown()
        self._server.server_close()


class _Dripping(socketserver.BaseRequestHandler):
    """One letter of the answer's head per second: each read succeeds, and the head never ends."""

    def handle(self) -> None:
        try:
            self.request.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            for _ in range(40):
                time.sleep(1)
                self.request.sendall(b"x")
        except OSError:
            return


@contextmanager
def dripping() -> Iterator[int]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Dripping)
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
