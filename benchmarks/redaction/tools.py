"""The tools that are compared: deface in an environment of its own, with both its backends, and Vidette."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.redaction.run import Cost, timed

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "var" / "bench"


@dataclass(frozen=True, slots=True)
class Cover:
    """One covered region of one frame; `round`: the ellipse of the box, not the box."""

    box_xyxy: tuple[float, float, float, float]
    round: bool


Covers = tuple[tuple[Cover, ...], ...]


class Tool(Protocol):
    @property
    def name(self) -> str: ...

    def run(self, source: Path, target: Path) -> Cost:
        """Redact a film with the tool's defaults, as a person would."""

    def watched(self, source: Path, target: Path) -> tuple[Covers, Cost]:
        """The same, and what is covered in each frame."""


@dataclass(frozen=True, slots=True)
class Deface:
    """`backend`: "opencv" or "onnxrt"."""

    backend: str

    @property
    def name(self) -> str:
        return f"deface, {self.backend}"

    def run(self, source: Path, target: Path) -> Cost:
        return timed([str(deface_home() / "bin" / "deface"), *self._arguments(source, target)])

    def watched(self, source: Path, target: Path) -> tuple[Covers, Cost]:
        written = target.with_suffix(".covers.json")
        hook = Path(__file__).with_name("deface_covers.py")
        python = str(deface_home() / "bin" / "python")
        cost = timed([python, str(hook), str(written), *self._arguments(source, target)])
        return read_covers(written, round_=True), cost

    def _arguments(self, source: Path, target: Path) -> Sequence[str]:
        return [str(source), "--output", str(target), "--backend", self.backend]


def read_covers(path: Path, *, round_: bool) -> Covers:
    """A JSON list per frame of left, top, right, bottom, in pixels."""
    frames = json.loads(path.read_text())
    return tuple(tuple(Cover((x1, y1, x2, y2), round_) for x1, y1, x2, y2 in frame) for frame in frames)


def deface_home() -> Path:
    """The environment of deface, made at the first call."""
    home = CACHE / "deface"
    if (home / "bin" / "deface").is_file():
        return home
    wanted = Path(__file__).with_name("deface.txt")
    uv = Path(sys.executable).with_name("uv")
    home.parent.mkdir(parents=True, exist_ok=True)
    for command in (
        [str(uv), "venv", "--quiet", "--python", sys.executable, str(home)],
        [str(uv), "pip", "install", "--quiet", "--python", str(home / "bin" / "python"), "-r", str(wanted)],
    ):
        if subprocess.run(command, check=False).returncode != 0:
            raise SystemExit(f"bench: deface's environment could not be made in {home}: {' '.join(command)}")
    return home
