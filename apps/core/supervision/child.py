"""One child process: started in a session of its own, ended with its parent, its words kept in a file."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from apps.core.supervision.plan import ProcessSpec

LOG_BYTES = 10 * 1024 * 1024
LOG_COPIES = 3
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def end_with_parent(parent: int) -> Callable[[], None]:
    """Runs in the child before its program: the kernel ends it when `parent` is gone, however it went."""

    def prepare() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # gone before the line above
            os._exit(1)

    return prepare


class Child:
    """A process that can be started again and again.

    `keep_open` are descriptors that it inherits: the lock of the installation stays taken while any child
    of an earlier start is still ending.
    """

    def __init__(
        self, spec: ProcessSpec, *, root: Path, log_dir: Path, keep_open: tuple[int, ...] = ()
    ) -> None:
        self.spec = spec
        self.log_path = log_dir / f"{spec.name}.log"
        self.started_at = 0.0
        self.starts = 0
        self._root = root
        self._keep_open = keep_open
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.starts += 1
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.spec.arguments,
                cwd=self._root,
                env=dict(self.spec.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=self._keep_open,
                preexec_fn=end_with_parent(os.getpid()),  # noqa: PLW1509 - forked from a single thread
            )

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def exit_code(self) -> int | None:
        """None while it runs (or was never started); negative for a signal, as in subprocess."""
        return self._process.poll() if self._process is not None else None

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ask_to_end(self) -> None:
        if self.runs() and self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """Ends it and everything in its session that stayed behind."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def last_lines(self, count: int = 5) -> list[str]:
        """The end of its log, for the one who has to find out why it failed."""
        if not self.log_path.exists():
            return []
        with self.log_path.open("rb") as log:
            log.seek(max(0, self.log_path.stat().st_size - 8192))
            text = log.read().decode(errors="replace")
        return [line for line in text.splitlines() if line.strip()][-count:]

    def rotate_log(self) -> None:
        """Copies and truncates: the child keeps writing to the same open file, at its end."""
        if not self.log_path.exists() or self.log_path.stat().st_size < LOG_BYTES:
            return
        for number in range(LOG_COPIES - 1, 0, -1):
            older = self.log_path.with_suffix(f".log.{number}")
            if older.exists():
                older.replace(self.log_path.with_suffix(f".log.{number + 1}"))
        shutil.copyfile(self.log_path, self.log_path.with_suffix(".log.1"))
        os.truncate(self.log_path, 0)
