"""Figures as shapes: places for intervals and for accuracy against speed, in units of an SVG's view box."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, MIDDLE = 200.0, 100.0
PLOT_WIDTH, PLOT_HEIGHT, MARGIN = 320.0, 200.0, 24.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One interval around zero. `tone`: "ok" above zero, "bad" lost, else "" ."""

    kind: str
    name: str
    pictures: int
    objects: int
    candidate: float
    base: float
    difference: float
    low: float
    high: float
    tone: str
    x: float
    width: float
    point: float


def bars_of(rows: Sequence[Mapping[str, Any]]) -> list[Bar]:
    """All on one scale, so that lengths compare; zero lies in the middle."""
    reach = max((abs(float(row[side])) for row in rows for side in ("low", "high", "difference")), default=0)
    scale = (MIDDLE - 4) / max(reach, 0.01)
    return [_bar(row, scale) for row in rows]


def _bar(row: Mapping[str, Any], scale: float) -> Bar:
    low, high, difference = (float(row[name]) for name in ("low", "high", "difference"))
    tone = "bad" if row["lost"] else "ok" if low > 0 else ""
    return Bar(
        str(row["kind"]), str(row["name"]), int(row["pictures"]), int(row["objects"]),
        float(row["candidate"]), float(row["base"]), difference, low, high, tone,
        round(MIDDLE + low * scale, 2), round(max(0.8, (high - low) * scale), 2),
        round(MIDDLE + difference * scale, 2),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dot:
    """One version: `relative` is its time against its parent's on the same pictures, 1 for the parent."""

    name: str
    kind: str
    precision: float
    relative: float
    gate: str
    x: float = 0.0
    y: float = 0.0


def dots_of(rows: Sequence[Dot]) -> list[Dot]:
    """Speed to the right, precision upwards; the axes begin a little below the least of both."""
    if not rows:
        return []
    speeds = [1 / max(row.relative, 1e-6) for row in rows]
    low_x, high_x = _span(speeds)
    low_y, high_y = _span([row.precision for row in rows])
    return [
        Dot(
            row.name, row.kind, row.precision, row.relative, row.gate,
            round(MARGIN + (speed - low_x) / (high_x - low_x) * (PLOT_WIDTH - 2 * MARGIN), 1),
            round(_y(row.precision, low_y, high_y), 1),
        )
        for row, speed in zip(rows, speeds, strict=True)
    ]  # fmt: skip


def _y(precision: float, low: float, high: float) -> float:
    return PLOT_HEIGHT - MARGIN - (precision - low) / (high - low) * (PLOT_HEIGHT - 2 * MARGIN)


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = max((high - low) * 0.1, 0.01)
    return math.floor((low - room) * 100) / 100, math.ceil((high + room) * 100) / 100


@dataclass(frozen=True, slots=True)
class Box:
    """A box in the view box of a picture, 0..1000 on both sides."""

    x: float
    y: float
    width: float
    height: float
    label: str
    score: float
    kind: str


def boxes_of(things: Sequence[Mapping[str, Any]], kind: str, only: Sequence[int] | None = None) -> list[Box]:
    chosen = things if only is None else [things[i] for i in only if 0 <= i < len(things)]
    found = []
    for thing in chosen:
        left, top, right, bottom = (float(side) * 1000 for side in thing["box_xyxy"])
        found.append(
            Box(
                round(left, 1), round(top, 1), round(right - left, 1), round(bottom - top, 1),
                str(thing["label"]), float(thing["score"]), kind,
            )
        )  # fmt: skip
    return found
