"""Fetching a known model: the right bytes or nothing."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from inference_workers import models_pull
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_directory import ModelDirectory
from inference_workers.models_pull import PullLimits, pull, pullable
from inference_workers.side_files import KnownModel, known_by_name
from tests.engine.onnx_graphs import constant_graph, detr_outputs, side_of, worker_settings
from tests.services import free_port

GRAPH = constant_graph(detr_outputs((0.5, 0.5, 0.5, 0.5, 0, 0.8)))
NAME = "tiny.onnx"
LIMITS = PullLimits(connect_s=0.5, total_s=1.0)


class Upstream(BaseHTTPRequestHandler):
    """What the path says decides how it behaves."""

    def do_GET(self) -> None:
        folder = self.path.split("/")[1]
        getattr(self, f"_{folder}", self._absent)()

    def _right(self) -> None:
        self._send(GRAPH)

    def _wrong(self) -> None:
        self._send(GRAPH[:-1] + b"!")

    def _short(self) -> None:
        self._send(GRAPH[:-1])

    def _large(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b"x" * 65536)

    def _moved(self) -> None:
        self._redirect(f"/right/{NAME}")

    def _file(self) -> None:
        self._redirect("file:///etc/passwd")

    def _ftp(self) -> None:
        self._redirect("ftp://127.0.0.1/x")

    def _circle(self) -> None:
        self._redirect(self.path)

    def _silent(self) -> None:
        time.sleep(2)

    def _slow(self) -> None:
        self.send_response(200)
        self.end_headers()
        for byte in GRAPH[:20]:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.15)

    def _absent(self) -> None:
        self.send_error(404)

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _redirect(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            """The other side hung up, as it should."""

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def upstream() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def directory(tmp_path: Path, monkeypatch) -> ModelDirectory:
    known = KnownModel("tiny", len(GRAPH), side_of(GRAPH))
    monkeypatch.setattr(models_pull, "PULLABLE", ("tiny",))
    monkeypatch.setattr(models_pull, "known_by_name", lambda name: known if name == "tiny" else None)
    return ModelDirectory(worker_settings(tmp_path))


def installed(directory: ModelDirectory) -> list[str]:
    return [card.name for card in directory.cards() if not card.builtin]


@pytest.mark.parametrize("folder", ["right", "moved"])
def test_the_right_file_is_installed(directory, upstream, folder) -> None:
    card = pull("tiny", directory, [f"{upstream}/{folder}"], LIMITS)
    assert (card.name, card.problem) == ("tiny", "")
    assert installed(directory) == ["tiny"]


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("wrong", "expected sha256"),
        ("short", f"expected {len(GRAPH)} bytes, got {len(GRAPH) - 1}"),
        ("large", "the file is larger"),
        ("file", "answered 302 with a redirect that is not followed"),
        ("ftp", "redirected from http to ftp, which is not followed"),
        ("circle", "answered 302 with a redirect"),
        ("silent", "timed out"),
        ("slow", "got|over|timed out"),
        ("none", "answered 404"),
    ],
)
def test_anything_else_installs_nothing_and_says_why(directory, upstream, folder, sentence) -> None:
    started = time.monotonic()
    with pytest.raises(EngineError, match=sentence) as caught:
        pull("tiny", directory, [f"{upstream}/{folder}"], LIMITS)
    assert caught.value.code == "download_failed"
    assert installed(directory) == []
    assert time.monotonic() - started < 4


def test_a_dead_address_is_said_and_the_next_one_is_tried(directory, upstream) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(EngineError, match="Connection refused"):
        pull("tiny", directory, [dead], LIMITS)
    pull("tiny", directory, [dead, f"{upstream}/wrong", f"{upstream}/right"], LIMITS)
    assert installed(directory) == ["tiny"]


@pytest.mark.parametrize("base", ["file:///etc", "ftp://127.0.0.1", "/etc"])
def test_only_http_addresses_are_asked(directory, base) -> None:
    with pytest.raises(EngineError, match="expected an http or https address"):
        pull("tiny", directory, [base], LIMITS)


def test_an_unknown_name_is_refused_before_anything_is_asked(directory) -> None:
    with pytest.raises(EngineError, match="expected one of tiny"):
        pull("../mallory", directory, ["http://127.0.0.1:1"], LIMITS)


def test_every_model_on_offer_has_a_proven_hash_and_an_https_address() -> None:
    offered = pullable()
    assert len(offered) == len(models_pull.PULLABLE)
    for known in offered:
        assert known_by_name(known.name) == known
        assert known.side.source.startswith("https://")
        assert known.size_bytes > 100_000
        assert replace(known.side, note="").licence in ("Apache-2.0", "MIT", "BSD-3-Clause")
