"""What the demo cameras show: the clips that the data plane has drawn, or a folder of real ones."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from apps.cameras.models import SourceKind
from apps.core.errors import DomainError

MANIFEST = "clips.json"
CLIP_SUFFIXES = (".mp4", ".avi", ".mkv", ".mov")
_LEADING_NUMBER = re.compile(r"^cam(\d+)[_-]")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where on its site a camera is: the group it belongs to, and its place on the plan."""

    site: str
    group: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """A camera that the demonstration wants; `zones` are arguments of `zone_create`."""

    name: str
    kind: str
    url: str
    spot: Spot
    read_text: bool = False
    zones: tuple[dict[str, Any], ...] = ()


_DRAWN_SPOTS = {
    "lobby": Spot("A", "Entrances", 0.30, 0.62),
    "gate": Spot("A", "Entrances", 0.62, 0.80),
    "yard": Spot("B", "Grounds", 0.45, 0.70),
    "corridor": Spot("B", "Inside", 0.70, 0.35),
}
PATTERN = Wanted("Test pattern", SourceKind.SYNTHETIC, "clock", Spot("A", "Entrances", 0.82, 0.30))


def drawn_cameras(folder: Path) -> list[Wanted]:
    """One camera per clip that `inference_workers.demo` has drawn, and the test pattern."""
    try:
        clips = json.loads((folder / MANIFEST).read_text())["clips"]
    except (OSError, ValueError, KeyError) as error:
        raise DomainError(
            "no_demo_footage",
            _("There is no demo footage in %(folder)s. Make it: python -m inference_workers.demo %(folder)s")
            % {"folder": folder},
        ) from error
    return [*(_drawn(folder, clip) for clip in clips), PATTERN]


def _drawn(folder: Path, clip: dict[str, Any]) -> Wanted:
    camera = clip["camera"]
    zones = tuple(zone | {"script": zone["script"] or ""} for zone in camera["zones"])
    return Wanted(
        name=camera["title"],
        kind=SourceKind.FILE,
        url=str(folder / clip["file"]),
        spot=_DRAWN_SPOTS[camera["name"]],
        read_text=camera["read_text"],
        zones=zones,
    )


def clip_cameras(folder: Path) -> list[Wanted]:
    """One camera per video file in `folder`, the first half on site A and the rest on site B."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in CLIP_SUFFIXES)
    if not files:
        raise DomainError(
            "no_demo_footage",
            _("Expected video files (%(suffixes)s) in %(folder)s, found none.")
            % {"suffixes": ", ".join(CLIP_SUFFIXES), "folder": folder},
        )
    half = (len(files) + 1) // 2
    return [_clip(path, index, half) for index, path in enumerate(files)]


def _clip(path: Path, index: int, half: int) -> Wanted:
    on_site = index % half
    spot = Spot(
        site="A" if index < half else "B",
        group="Entrances" if index < half else "Grounds",
        x=round(0.14 + 0.72 * (on_site % 4) / 3, 3),
        y=round(0.25 + 0.5 * (on_site // 4), 3),
    )
    return Wanted(_clip_name(path.stem), SourceKind.FILE, str(path), spot, read_text="overlay" in path.stem)


def _clip_name(stem: str) -> str:
    """`cam04_road_traffic` becomes `04 Road traffic`."""
    number = _LEADING_NUMBER.match(stem)
    words = stem[number.end() if number else 0 :].replace("_", " ").strip() or stem
    words = words[:1].upper() + words[1:]
    return f"{number.group(1)} {words}" if number else words
