"""The web process as it runs in the product, on the database and Redis of the tests."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from apps.core.supervision.health import answers
from tests.services import free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
START_S = 90.0


def database_url(database: Mapping[str, Any]) -> str:
    """The address of a Django database, the one that pytest-django made for this run."""
    if database["ENGINE"].endswith("sqlite3"):
        return f"sqlite://{database['NAME']}"
    host = f"{database['HOST']}:{database['PORT']}"
    return f"postgresql://{database['USER']}:{quote(database['PASSWORD'])}@{host}/{database['NAME']}"


class WebServer:
    """`webapp.server` in a process of its own."""

    def __init__(self, database: Mapping[str, Any], log_path: Path) -> None:
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.log_path = log_path
        self._variables = {**os.environ, "DATABASE_URL": database_url(database), "PORT": str(self.port)}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "WebServer":
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "webapp.server"],
                cwd=ROOT,
                env=self._variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers_or_gone, timeout_s=START_S, what=f"the web process; see {self.log_path}")
        assert self._process.poll() is None, self.log_path.read_text()[-3000:]
        return self

    def _answers_or_gone(self) -> bool:
        assert self._process is not None
        return self._process.poll() is not None or answers("127.0.0.1", self.port, "/healthz", timeout_s=2)

    def memory_mb(self) -> float:
        assert self._process is not None
        return float(psutil.Process(self._process.pid).memory_info().rss / 2**20)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
