"""The whole product as a person starts it: `manage.py up` in a folder and on a port of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import psutil
import redis

from apps.core.supervision.health import answers
from inference_workers.contracts.live import unpack
from inference_workers.contracts.names import LEASES, live_channel, watch_key
from tests.services import free_port, wait_until
from webapp.settings.env import embedded_redis_socket

ROOT = Path(__file__).resolve().parent.parent
MARKS = {
    "redis": "redis-server",
    "web": "webapp.server",
    "recorder": "manage.py recorder",
    "control": "-Q control",
    "beat": " beat ",
    "gpu": "-Q gpu",
    "streams": "inference_workers.streams",
}
FIRST_START_S = 300.0
_OWN = (
    "VIDETTE_",
    "DATABASE_URL",
    "REDIS_URL",
    "CELERY_BROKER_URL",
    "OBJECT_STORE_URL",
    "DJANGO_",
    "PYTEST_",
)


class Product:
    """Starts and stops the product and looks at it from outside.

    The drawn footage of the first one is copied to those that follow: it takes a minute and is the same.
    """

    _footage: ClassVar[Path | None] = None

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.log_path = folder.with_suffix(".log")
        self._arguments = arguments
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
        self._variables = {
            **inherited,
            "VIDETTE_DATA_DIR": str(folder),
            "PORT": str(self.port),
            "LOG_LEVEL": "INFO",
            **variables,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *, patience_s: float = FIRST_START_S) -> float:
        """Starts and waits until it is ready; returns the seconds that took."""
        started = time.monotonic()
        self._bring_footage()
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "up", *self._arguments],
                cwd=ROOT,
                env=self._variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._ready_or_gone, timeout_s=patience_s, what=f"the product; see {self.log_path}")
        assert self._process.poll() is None, self.log_path.read_text()[-3000:]
        return time.monotonic() - started

    def _bring_footage(self) -> None:
        own = self.folder / "demo"
        if Product._footage is None:
            Product._footage = own
        elif not own.exists() and Product._footage.is_dir():
            shutil.copytree(Product._footage, own)

    def _ready_or_gone(self) -> bool:
        return self._process is None or self._process.poll() is not None or self.ready()

    def ready(self) -> bool:
        time.sleep(0.1)
        return answers("127.0.0.1", self.port, "/readyz", timeout_s=2)

    def tree(self) -> list[psutil.Process]:
        """`up` and everything below it."""
        assert self._process is not None
        parent = psutil.Process(self._process.pid)
        return [parent, *parent.children(recursive=True)]

    def pids(self) -> dict[str, int]:
        """Name -> process id of the processes that `up` watches."""
        assert self._process is not None
        found = {}
        for process in psutil.Process(self._process.pid).children():
            try:
                line = " ".join(process.cmdline()) + " "
            except psutil.Error:
                continue
            found |= {name: process.pid for name, mark in MARKS.items() if mark in line}
        return found

    def memory_mb(self) -> int:
        """Memory of all processes together; what they share is counted once."""
        return sum(_own_memory(process) for process in self.tree()) // 2**20

    def redis(self) -> redis.Redis:
        url = self._variables.get("REDIS_URL")
        if url is None:
            password = json.loads((self.folder / "secrets.json").read_text())["VIDETTE_REDIS_PASSWORD"]
            url = f"unix://:{quote(password)}@{embedded_redis_socket(self.folder)}"
        return redis.Redis.from_url(url, socket_timeout=5)

    def wait_for_pictures(self, *, patience_s: float) -> float:
        """Watches every leased camera until one shows a picture that was grabbed after this call and in
        which faces were looked for (no mosaic of the whole frame); returns the seconds."""
        started, since = time.monotonic(), time.time()
        while time.monotonic() - started < patience_s:
            try:
                if self._sees_a_picture(since):
                    return time.monotonic() - started
            except redis.RedisError:
                pass
            time.sleep(0.1)
        raise TimeoutError(f"no live picture within {patience_s:.0f} s; see {self.folder / 'log'}")

    def _sees_a_picture(self, since: float) -> bool:
        with self.redis() as client, client.pubsub() as listener:
            cameras = [name.decode() for name in client.hkeys(LEASES)]
            if not cameras:
                return False
            listener.subscribe(*(live_channel(camera) for camera in cameras))
            for camera in cameras:
                client.set(watch_key(camera), "1", ex=5)
            deadline = time.monotonic() + 2
            while time.monotonic() < deadline:
                message = listener.get_message(ignore_subscribe_messages=True, timeout=0.2)
                if message is not None and message["type"] == "message":
                    header, _jpeg = unpack(message["data"])
                    if header.grabbed_at > since and header.redaction == "tracks":
                        return True
        return False

    def stop(self, number: int = signal.SIGINT) -> float:
        """As Ctrl-C does; returns the seconds until `up` was gone."""
        if self._process is None or self._process.poll() is not None:
            return 0.0
        started = time.monotonic()
        self._process.send_signal(number)
        self._process.wait(timeout=30)
        return time.monotonic() - started


def _own_memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0
