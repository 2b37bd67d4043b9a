"""All tests, one part after the other: `python -m tests`; the last line sums them up as pytest would.

1. everything but the browser on a real PostgreSQL;
2. what can reach the database again on SQLite, the default of a small installation, with generated requests;
3. the pages in Chromium, and the verifiers that auditors open in it;
4. the whole product as a person starts it, one test at a time.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
# Neighbours stay in one process, so that what they share is mostly made once. And tests are handed out by
# place: the generated ones share one name, of which a way that goes by names would keep only the first.
PARALLEL = ("-n", "2", "--dist", "worksteal")
# One more where many tests wait for a camera, a process or a clock.
PARALLEL_WAITING = ("-n", "3", "--dist", "worksteal")
GENERATED = "tests/apps/api/test_schema.py"
# They say how many seconds something may take, or start processes that need both cores.
ALONE = ("tests/e2e/browser", "tests/e2e/test_scaled.py")


@dataclass(frozen=True)
class Part:
    title: str
    database: str
    arguments: tuple[str, ...]


PARTS = (
    Part(
        "everything on PostgreSQL",
        "postgresql",
        (*PARALLEL_WAITING, "tests", "--ignore=tests/e2e", f"--ignore={GENERATED}"),
    ),
    Part(
        "storage on SQLite, requests from the schema",
        "sqlite",
        (*PARALLEL, "tests/apps", "tests/live", "-m", "not database_neutral"),
    ),
    Part("pages in the browser", "sqlite", (*PARALLEL, "tests/e2e", *(f"--ignore={path}" for path in ALONE))),
    Part("the whole product", "sqlite", ALONE),
)


def main() -> int:
    started = time.monotonic()
    totals: Counter[str] = Counter()
    codes = [_run(part, totals) for part in PARTS if _exists(part)]
    seconds = time.monotonic() - started
    words = ", ".join(
        f"{totals[word]} {word}" for word in ("failed", "passed", "skipped", "errors") if totals[word]
    )
    print(f" {words or 'no tests ran'} in {seconds:.2f}s ".center(80, "="))
    return max(codes, default=5)


def _exists(part: Part) -> bool:
    return any(argument.startswith("tests") and (ROOT / argument).exists() for argument in part.arguments)


def _run(part: Part, totals: Counter[str]) -> int:
    print(f"\n{part.title}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *part.arguments]
        variables = {**os.environ, "VIDETTE_TEST_DATABASE": part.database}
        # Hundreds of processes are started; not one of them has to compile what the first one compiled.
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        code = subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode
        if report.exists():
            _count(report, totals)
        else:
            totals["errors"] += 1
    return code


def _count(report: Path, totals: Counter[str]) -> None:
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        found = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
        totals["failed"] += found["failures"]
        totals["errors"] += found["errors"]
        totals["skipped"] += found["skipped"]
        totals["passed"] += found["tests"] - found["failures"] - found["errors"] - found["skipped"]


if __name__ == "__main__":
    sys.exit(main())
