"""The parent's end of `child`: starts it with an empty environment, reads its lines, ends it for sure."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from inference_workers.contracts.codec import ContractError, encode
from inference_workers.contracts.model_checks import (
    CheckLine,
    CheckModel,
    CheckName,
    CheckOutcome,
    CheckReply,
)
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_checks.child import ROOT, line_of
from inference_workers.engine.model_checks.sandbox import REQUIRED

_MB = 1024 * 1024
_MAX_OUTPUT_BYTES = 1 * _MB
MAX_DETAIL = 600
_KILLED_FOR_TIME = (-signal.SIGXCPU, -signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class CheckLimits:
    """`cpu_s`: computing time of one check process; `wall_s`: until it is killed whatever it does.

    Memory is address space: what Python and onnxruntime reserve, and some copies of the file.
    """

    cpu_s: int = 90
    wall_s: float = 240.0
    base_memory_bytes: int = 4 * 1024 * _MB
    copies: int = 6
    nice: int = 10

    def memory_bytes(self, size_bytes: int) -> int:
        return self.base_memory_bytes + self.copies * size_bytes


@dataclass
class _Heard:
    """What the child said so far."""

    sandbox: tuple[str, ...] = ()
    lines: list[CheckLine] = field(default_factory=list)
    begun: CheckName | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def check_file(path: Path, job: CheckModel, limits: CheckLimits = CheckLimits()) -> CheckReply:
    """Look into a file in a process of its own.

    Raises:
        EngineError: `sandbox_missing` when this machine permits no walls; `check_broken` when the process
            could not work at all (both say nothing about the file).
    """
    heard, code, timed_out = _Heard(), 0, False
    child = _start(path, limits)
    try:
        timed_out = not _converse(child, job, limits, heard)
    finally:
        child.kill()
        code = child.wait()
        for pipe in (child.stdin, child.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
    if heard.sandbox and not set(heard.sandbox) >= REQUIRED:
        raise EngineError(
            "sandbox_missing",
            "expected a machine that permits a filter of system calls (seccomp), this one has "
            f"{', '.join(heard.sandbox)}; no file of a stranger is opened without it",
        )
    return _reply(job, heard, "" if heard.facts else _end_in_words(code, limits, timed_out=timed_out))


def _start(path: Path, limits: CheckLimits) -> subprocess.Popen[bytes]:
    memory = limits.memory_bytes(path.stat().st_size)
    return subprocess.Popen(
        [
            "nice", "-n", str(limits.nice), sys.executable, "-m", f"{__package__}.child",
            str(path), str(memory), str(limits.cpu_s),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        cwd=path.parent,
        start_new_session=True,
    )  # fmt: skip


def _environment() -> dict[str, str]:
    """Nothing of this process's own: no addresses, keys or credentials."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return kept | {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }


def _converse(child: subprocess.Popen[bytes], job: CheckModel, limits: CheckLimits, heard: _Heard) -> bool:
    """Hand the job over and listen until the child ends; False when its time was over first."""
    assert child.stdin is not None  # noqa: S101 - opened as a pipe
    with suppress(BrokenPipeError):
        child.stdin.write(encode(job).encode() + b"\n")
        child.stdin.close()
    deadline = time.monotonic() + limits.wall_s
    try:
        for line in _lines(child, deadline):
            _hear(line, heard)
    except TimeoutError:
        return False
    with suppress(subprocess.TimeoutExpired):
        child.wait(timeout=5)
    return True


def _lines(child: subprocess.Popen[bytes], deadline: float) -> Iterator[bytes]:
    assert child.stdout is not None  # noqa: S101 - opened as a pipe
    rest, total = b"", 0
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            part = os.read(child.stdout.fileno(), 65536)
            total += len(part)
            if not part or total > _MAX_OUTPUT_BYTES:
                return
            *whole, rest = (rest + part).split(b"\n")
            yield from whole


def _hear(line: bytes, heard: _Heard) -> None:
    """A line that is not understood counts as not said; then the check did not pass."""
    try:
        ((kind, value),) = json.loads(line).items()
        if kind == "sandbox":
            heard.sandbox = tuple(str(name)[:60] for name in value)
        elif kind == "begin":
            heard.begun = CheckName(value)
        elif kind == "line":
            said = line_of(value)
            heard.lines.append(replace(said, detail=_kept(said.detail)))
            heard.begun = None
        elif kind == "facts":
            heard.facts = dict(value)
    except (ValueError, AttributeError, TypeError, ContractError):
        return


def _kept(text: str) -> str:
    """What a line quotes of the file, without what a database refuses: NUL and halves of characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:MAX_DETAIL]


def _end_in_words(code: int, limits: CheckLimits, *, timed_out: bool) -> str:
    if timed_out or code in _KILLED_FOR_TIME:
        return (
            f"stopped: it did not end within {limits.cpu_s} s of computing or {limits.wall_s:.0f} s in all, "
            "or took more memory than the machine gives; a model for live pictures takes far less"
        )
    if code < 0:
        return f"the process died of signal {-code}: the file breaks the software that reads it"
    return f"the process ended early with code {code}: the file breaks the software that reads it"


def _reply(job: CheckModel, heard: _Heard, ended: str) -> CheckReply:
    lines = list(heard.lines)
    if ended:
        if heard.begun is None:
            raise EngineError("check_broken", f"the check could not be made: {ended}", transient=True)
        lines.append(CheckLine(heard.begun, CheckOutcome.FAILED, ended))
    return CheckReply(
        version_id=job.version_id,
        attempt=job.attempt,
        lines=tuple(lines),
        sandbox=heard.sandbox,
        median_ms=float(heard.facts.get("median_ms", 0.0)),
        memory_bytes=int(heard.facts.get("memory_bytes", 0)),
        parameters=int(heard.facts.get("parameters", 0)),
        opset=int(heard.facts.get("opset", 0)),
    )
