"""FOLLOW: where a drawn region goes before and after the frame on which it was drawn."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference_workers.contracts.redactions import RedactionEdit
from inference_workers.engine.display import CutDetector
from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.film import AFTER_ALL, BEFORE_ALL, Film
from inference_workers.engine.films.following import View, follow, view_of
from inference_workers.engine.films.looking import luma
from inference_workers.engine.films.reading import FilmReader

VERSION = 1
DRAWN, FOLLOWED = "m", "f"
# Farther than this a region is not followed in one edit; the person draws it once more there.
MAX_FOLLOW_S = 20.0
FOLLOW_EVERY_S = 0.1
# Where a region was lost it stays covered in place for this long.
HOLD_S = 0.4
MIN_SIDE_PX = 4.0

Box = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Moment:
    at_s: float
    scene: int
    view: View


def follow_region(path: Path, film: Film, edit: RedactionEdit) -> dict[str, Any]:
    """Follow a drawn box through the film, both ways; JSON with points (at_s, box in pixels, how).

    Raises:
        EngineError: `edit_invalid`, and those of the reader.
    """
    at_s, box = _drawn(film, edit)
    if film.facts.media == "image":
        return _document([(0.0, box, DRAWN)])
    from_s = max(at_s - MAX_FOLLOW_S, edit.from_s if edit.from_s is not None else 0.0)
    until_s = min(at_s + MAX_FOLLOW_S, edit.until_s if edit.until_s is not None else film.facts.duration_s)
    before = _moments(path, film, from_s, at_s)
    after = _moments(path, film, at_s, until_s)
    if not before and not after:
        raise EngineError("edit_invalid", f"expected a moment inside of the film, got {at_s:.2f} s")
    onwards = _walk(after, box)
    back = _walk(before[::-1], box)
    start_s = after[0].at_s if after else before[-1].at_s
    points = [*((t, b, FOLLOWED) for t, b in back[::-1]), (start_s, box, DRAWN)]
    points += [(t, b, FOLLOWED) for t, b in onwards]
    return _document(_unique(points))


def _drawn(film: Film, edit: RedactionEdit) -> tuple[float, Box]:
    if edit.box_xyxy is None or edit.at_s is None:
        raise EngineError("edit_invalid", "a region to cover needs a box and the moment it was drawn at")
    size = np.array([film.facts.width, film.facts.height] * 2, np.float64)
    box = np.clip(np.array(edit.box_xyxy, np.float64), 0, 1) * size
    if not np.isfinite(box).all() or (box[2:] - box[:2] < MIN_SIDE_PX).any():
        raise EngineError("edit_invalid", f"expected a box of {MIN_SIDE_PX:.0f} pixels at least")
    return max(0.0, edit.at_s), box


def _moments(path: Path, film: Film, from_s: float, until_s: float) -> list[_Moment]:
    """Grey pictures at ten a second between two moments, both included."""
    start = BEFORE_ALL if from_s <= 0 else film.pts_at(from_s)
    end = AFTER_ALL if until_s >= film.facts.duration_s else film.pts_at(until_s) + 1
    detector, scene, due_s = CutDetector(), 0, float("-inf")
    found: list[_Moment] = []
    for number, frame in enumerate(FilmReader(path, film, start, end).frames()):
        grey = luma(frame.picture)
        is_cut = detector.is_cut(np.broadcast_to(grey[:, :, None], (*grey.shape, 3)))
        scene += bool(is_cut and number)
        if is_cut or frame.at_s >= due_s - 1e-6:
            found.append(_Moment(frame.at_s, scene, view_of(grey)))
            due_s = frame.at_s + FOLLOW_EVERY_S
    return found


def _walk(moments: Sequence[_Moment], box: Box) -> list[tuple[float, Box]]:
    """From the first moment on as far as the box can be followed, and a short hold in place."""
    found: list[tuple[float, Box]] = []
    for before, here in pairwise(moments):
        moved, sure = follow(before.view, here.view, box[None])
        if here.scene != before.scene:
            break
        if not sure[0]:
            held = abs(here.at_s - moments[0].at_s) if not found else abs(here.at_s - found[-1][0])
            if held <= HOLD_S:
                found.append((here.at_s, box))
            break
        box = moved[0]
        found.append((here.at_s, box))
    return found


def _unique(points: Iterable[tuple[float, Box, str]]) -> list[tuple[float, Box, str]]:
    """Sorted, one point per moment; the drawn one wins."""
    by_moment: dict[float, tuple[float, Box, str]] = {}
    for point in points:
        if point[0] not in by_moment or point[2] == DRAWN:
            by_moment[point[0]] = point
    return [by_moment[at] for at in sorted(by_moment)]


def _document(points: Sequence[tuple[float, Box, str]]) -> dict[str, Any]:
    rows = [[round(at, 6), *(round(float(side), 1) for side in box), how] for at, box, how in points]
    return {"version": VERSION, "points": rows}
