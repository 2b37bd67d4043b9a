"""The parent's end of a process that does steps one by one: starts it, hands it steps, ends it for sure."""

import os
import resource
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from inference_workers.contracts.codec import ContractError, decode, encode
from inference_workers.engine.errors import EngineError
from inference_workers.engine.parent import end_with_parent

# What a child may know of its surroundings: no credentials, no addresses.
_PASSED = (
    "PATH", "LANG", "TZ", "HOME", "PYTHONPATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS",
    "VIDETTE_DATA_DIR", "VIDETTE_MODEL_DIR", "VIDETTE_PROVIDERS", "VIDETTE_INFERENCE_THREADS",
)  # fmt: skip
_MAX_LINE_BYTES = 16 * 1024 * 1024
NICE = 10
_ROOT = Path(__file__).resolve().parents[2]
MEMORY_LIMIT_BYTES = 6 * 1024**3
OPEN_FILES = 256


class Timed(Protocol):
    """A step that has a deadline (POSIX seconds)."""

    @property
    def deadline_at(self) -> float: ...


Step = TypeVar("Step", bound=Timed)
Reply = TypeVar("Reply")


class ChildProcess(Generic[Step, Reply]):
    """One child, started by `start` or when the first step comes. Not thread safe: one caller at a time.

    Args:
        module: what the child runs; it reads one step as JSON per line and answers one reply per line.
        reply: the dataclass of its answers.
        folder: the only place where the child finds and leaves files.
        nice: how far it steps back behind the live cameras.
    """

    def __init__(
        self,
        module: str,
        reply: type[Reply],
        folder: Path,
        environment: Mapping[str, str] = os.environ,
        *,
        nice: int = NICE,
    ) -> None:
        self._module = module
        self._reply = reply
        self._folder = folder
        self._environment = {name: environment[name] for name in _PASSED if name in environment}
        self._nice = nice
        self._child: subprocess.Popen[bytes] | None = None

    def run(self, step: Step) -> Reply:
        """Do one step in the child.

        Raises:
            EngineError: `worker_died` (transient), `deadline_passed`.
        """
        child = self._started()
        assert child.stdin is not None  # noqa: S101 - opened as a pipe
        try:
            child.stdin.write(encode(step).encode() + b"\n")
            child.stdin.flush()
            return decode(self._reply, self._line(child, step.deadline_at))
        except (BrokenPipeError, ContractError) as error:
            self.close()
            raise EngineError(
                "worker_died",
                "the process that worked on the file died; the file may be too large or damaged",
                transient=True,
            ) from error

    def start(self) -> None:
        """Start the child now. The thread that starts it must outlive it: the child dies with that thread."""
        self._started()

    def close(self) -> None:
        """End the child at once; it holds nothing that must be saved."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self.close()
        # The settings want these two; the child neither connects to anything nor opens any credentials.
        unused = {"REDIS_URL": "unix:///nowhere", "VIDETTE_LEASE_KEY": "unused"}
        self._child = subprocess.Popen(
            ["nice", "-n", str(self._nice), sys.executable, "-m", self._module, str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment | unused,
            cwd=_ROOT,
        )
        return self._child

    def _line(self, child: subprocess.Popen[bytes], deadline_at: float) -> bytes:
        """The child's next line. Raises EngineError `deadline_passed`; an empty line when it died."""
        assert child.stdout is not None  # noqa: S101 - opened as a pipe
        line = b""
        while not line.endswith(b"\n") and len(line) < _MAX_LINE_BYTES:
            ready, _, _ = select.select([child.stdout], [], [], max(0.0, deadline_at - time.time()))
            if not ready:
                self.close()
                raise EngineError("deadline_passed", "a step took longer than its deadline")
            part = os.read(child.stdout.fileno(), 65536)
            if not part:
                break
            line += part
        return line


def limit_process(providers: tuple[str, ...]) -> None:
    """In the child: no core files (they would hold faces), bounded memory, death with the parent."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    if providers == ("CPUExecutionProvider",):  # a GPU's driver reserves far more addresses than memory
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    end_with_parent()
