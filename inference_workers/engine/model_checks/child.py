"""The process that looks into one file (`python -m inference_workers.engine.model_checks.child`).

Its environment is empty, its standard input one line with the job and its limits. It puts the walls up before
it imports anything that could read the file, then writes one line per event: the walls, each check as it
begins, each result. Whatever kills it, its parent knows which check it was in.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

from inference_workers.contracts.codec import decode
from inference_workers.contracts.model_checks import CheckLine, CheckModel, CheckName
from inference_workers.engine.model_checks.sandbox import REQUIRED, SandboxLimits, enter

ROOT = Path(__file__).resolve().parents[3]
# What a Python with numpy and onnxruntime has to read. Not among it: the data directory, the settings, homes.
_SYSTEM = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/null", "/dev/urandom", "/sys/devices/system",
           "/proc/cpuinfo", "/proc/meminfo", "/proc/stat")  # fmt: skip


def readable(model: Path) -> list[Path]:
    """Files and folders that the process may read; everything else is refused by the kernel."""
    code = [ROOT / "inference_workers", Path(sys.prefix), Path(sys.base_prefix)]
    packages = [Path(entry) for entry in sys.path if "site-packages" in entry]
    own = [Path(f"/proc/{os.getpid()}")]
    return [*code, *packages, *map(Path, _SYSTEM), *own, model]


def say(kind: str, value: Any) -> None:
    sys.stdout.write(json.dumps({kind: value}) + "\n")
    sys.stdout.flush()


def main() -> None:
    model = Path(sys.argv[1])
    limits = SandboxLimits(memory_bytes=int(sys.argv[2]), cpu_s=int(sys.argv[3]))
    text = sys.stdin.readline()
    layers = enter(limits, readable(model))
    say("sandbox", list(layers))
    if not set(layers) >= REQUIRED:
        return  # the parent says it: nothing is looked into without walls
    _check(decode(CheckModel, text), model)


def _check(job: CheckModel, model: Path) -> None:
    from inference_workers.engine.model_checks.steps import Evidence, memory_bytes, run

    seen = Evidence(job, model)
    for line in run(seen, _begin):
        say("line", dataclasses.asdict(line))
    say(
        "facts",
        {
            "median_ms": seen.median_ms,
            "memory_bytes": memory_bytes(),
            "parameters": seen.parameters,
            "opset": seen.opset,
        },
    )


def _begin(check: CheckName) -> None:
    say("begin", check.value)


def line_of(value: dict[str, Any]) -> CheckLine:
    """What `say("line", …)` wrote, read strictly: the child is not trusted by its parent."""
    return decode(CheckLine, json.dumps(value))


if __name__ == "__main__":
    main()
    os._exit(0)  # threads of onnxruntime are not waited for
