"""Runs a tool on a film as a person would: time, processor time, and memory of its process tree."""

import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Cost:
    """`peak_mb`: the greatest sum of proportional set sizes over the tool's processes (10^6 bytes)."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def timed(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run to the end; a tool that fails ends the benchmark with what it said."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}
    )
    with Peak(process.pid) as peak:
        said, _ = process.communicate()
    wall_s = time.perf_counter() - began
    if process.returncode != 0:
        tail = said.decode(errors="replace")[-2000:]
        raise SystemExit(f"{Path(command[0]).name} ended with {process.returncode}:\n{tail}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall_s, spent, peak.highest_mb)


class Peak:
    """Looks at the memory of a process and its children until it is closed."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.highest_mb = 0.0

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(LOOK_EVERY_S):
            self.highest_mb = max(self.highest_mb, self._now_mb())

    def _now_mb(self) -> float:
        total = 0
        try:
            for process in (self._root, *self._root.children(recursive=True)):
                total += process.memory_full_info().pss
        except psutil.Error:
            return total / 1e6  # a process that has just ended; the next look counts
        return total / 1e6
