"""A whole installation in a folder of its own: `manage.py up`, as a person would start it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).resolve().parent.parent
START_PATIENCE_S = 240.0
STOP_PATIENCE_S = 20.0


class Installation:
    """Use as a context manager. `clips` become cameras, `models` are installed before the start."""

    def __init__(self, folder: Path, clips: Sequence[Path], models: Sequence[Path]) -> None:
        self.folder = folder
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._clips = _copies(clips, folder / "footage" / "video")
        _copies(models, folder / "footage" / "weights")
        self.environment = {
            **os.environ,
            "VIDETTE_DATA_DIR": str(folder / "data"),
            "PORT": str(self.port),
            "LOG_LEVEL": "WARNING",
        }

    def __enter__(self) -> "Installation":
        command = [sys.executable, "manage.py", "up", "--demo", str(self.folder / "footage" / "video")]
        self._log = (self.folder / "up.log").open("wb")
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=self._log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._wait_until(self._is_ready, "ready")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._log.close()

    @property
    def footage(self) -> Path:
        """The folder of the clips; below it the data plane may read files."""
        return self.folder / "footage" / "video"

    def inside(self, *arguments: str) -> str:
        """Runs an action of `benchmarks.inside` against this installation's database."""
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.inside", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise SystemExit(f"bench: {arguments[0]} failed:\n{done.stderr[-2000:]}")
        return done.stdout

    def wait_for_model(self, name: str) -> None:
        """Until the model serves."""
        served = f'vidette_model_served{{model="{name}'
        self._wait_until(lambda: served in self.metrics_text(), f"serving {name}")

    def metrics_text(self) -> str:
        return httpx.get(f"{self.url}/metrics", timeout=10).text

    def processes(self) -> dict[str, psutil.Process]:
        """Every process of the tree by its role and number."""
        tree = psutil.Process(self._process.pid).children(recursive=True)
        return {f"{_role(process)}:{process.pid}": process for process in tree}

    def password(self, username: str) -> str:
        rows = json.loads((self.folder / "data" / "demo_accounts.json").read_text())
        return str(next(row["password"] for row in rows if row["username"] == username))

    def _is_ready(self) -> bool:
        return httpx.get(f"{self.url}/readyz", timeout=5).status_code == httpx.codes.OK

    def _wait_until(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + START_PATIENCE_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                if true():
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.5)
        tail = (self.folder / "up.log").read_text(errors="replace")[-3000:]
        raise SystemExit(f"bench: the installation is not {what} after {START_PATIENCE_S:.0f} s:\n{tail}")


def _role(process: psutil.Process) -> str:
    """The first word of a command line that tells the processes apart."""
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:
        return "gone"
    marks = {
        "webapp.server": "web", "recorder": "recorder", "-Q control": "control", "webapp.celery beat": "beat",
        "-Q gpu": "gpu", "inference_workers.streams": "streams", "redis-server": "redis",
    }  # fmt: skip
    return next((role for mark, role in marks.items() if mark in line), "decoder")


def _copies(files: Sequence[Path], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copy(path, folder / path.name)) for path in files]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
