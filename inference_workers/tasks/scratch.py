"""Folders of one worker process: nobody else works in them, and they go with it, also when it was killed."""

import os
import shutil
from pathlib import Path

import psutil

EVALUATIONS, MODELS = "evaluations", "models"
_CLOCK_S = 5.0  # when a process began is known to the second


def own_folder(data_dir: Path, name: str) -> Path:
    """The folder `scratch/NAME-PID`, readable for this user alone."""
    root = data_dir / "scratch"
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o700)
    own = root / f"{name}-{os.getpid()}"
    own.mkdir(exist_ok=True)
    return own


def leftovers_remove(data_dir: Path) -> list[str]:
    """For the start of a worker: what killed ones left behind. Labelled pictures lie there unredacted."""
    found = [
        path for name in (EVALUATIONS, MODELS) for path in (data_dir / "scratch").glob(f"{name}-*")
        if not _is_in_use(path)
    ]  # fmt: skip
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return sorted(path.name for path in found)


def _is_in_use(folder: Path) -> bool:
    """By the process of its name, unless that began later: then the number was given a second time."""
    number = folder.name.rpartition("-")[2]
    if not number.isdigit() or int(number) == os.getpid():
        return False
    try:
        began = float(psutil.Process(int(number)).create_time())
        return began <= folder.stat().st_mtime + _CLOCK_S
    except (psutil.NoSuchProcess, FileNotFoundError, OverflowError):
        return False
    except psutil.Error:  # somebody else's process that may not be asked
        return True
