"""ANALYSE: one segment's frames to strands of faces, persons and text."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from inference_workers.engine.display import CutDetector
from inference_workers.engine.films.film import Film
from inference_workers.engine.films.following import View, view_of
from inference_workers.engine.films.looking import (
    FACE,
    FINE_EVERY_S,
    LOOK_EVERY_S,
    PERSON,
    TEXT,
    Looker,
    luma,
)
from inference_workers.engine.films.reading import FilmFrame, FilmReader
from inference_workers.engine.films.strands import FollowRules, Look, Strand, link

VERSION = 1
FOLLOW = {FACE: FollowRules(), PERSON: FollowRules(1.5, 2.5), TEXT: FollowRules(1.0, 1.5)}


@dataclass(slots=True)
class SegmentLooks:
    """What one segment holds; becomes JSON.

    Attributes:
        frames: frames decoded in the segment.
        looks: moments at which faces were looked for, the first frame of the next segment included.
        cuts: moments at which a new scene begins.
        damage_s: parts that could not be decoded soundly.
        strands: per kind.
    """

    frames: int = 0
    looks: list[float] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)
    damage_s: list[tuple[float, float]] = field(default_factory=list)
    strands: dict[str, list[Strand]] = field(default_factory=dict)
    last_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain values; boxes to a tenth of a pixel, moments to a microsecond."""
        return {
            "version": VERSION,
            "frames": self.frames,
            "looks": [round(at, 6) for at in self.looks],
            "cuts": [round(at, 6) for at in self.cuts],
            "damage_s": [[round(start, 6), round(end, 6)] for start, end in self.damage_s],
            "last_s": round(self.last_s, 6),
            "strands": {kind: [_points(strand) for strand in found] for kind, found in self.strands.items()},
        }


def _points(strand: Strand) -> list[list[Any]]:
    rows = zip(strand.at_s, strand.boxes_xyxy, strand.scores, strand.how, strict=True)
    return [
        [round(at, 6), *(round(float(side), 1) for side in box), round(score, 3), how]
        for at, box, score, how in rows
    ]


class SegmentAnalyser:
    """Goes through one segment once."""

    def __init__(self, path: Path, film: Film, segment: int, looker: Looker) -> None:
        self._film = film
        self._looker = looker
        found = film.segments[segment]
        self._end_pts = found.end_pts
        self._reader = FilmReader(path, film, found.start_pts, found.end_pts)
        self._cut_detector = CutDetector()
        self._scene = 0
        self._due_at = dict.fromkeys(looker.kinds(), float("-inf"))
        self._seen: dict[str, list[Look]] = {kind: [] for kind in looker.kinds()}
        self._fine_at = float("-inf")
        self._result = SegmentLooks()

    def run(self) -> SegmentLooks:
        """Raises EngineError: those of the reader and of the models."""
        for number, frame in enumerate(self._reader.frames(and_next=True)):
            self._take(number, frame)
        result = self._result
        result.damage_s = self._reader.damage_s
        result.strands = {kind: link(looks, FOLLOW[kind]) for kind, looks in self._seen.items()}
        return result

    def _take(self, number: int, frame: FilmFrame) -> None:
        is_next = frame.pts >= self._end_pts
        grey = luma(frame.picture)
        is_cut = self._cut_detector.is_cut(np.broadcast_to(grey[:, :, None], (*grey.shape, 3)))
        if is_cut and number:
            self._scene += 1
            self._result.cuts.append(frame.at_s)
        if not is_next:
            self._result.frames += 1
            self._result.last_s = frame.at_s
        due = [kind for kind, at in self._due_at.items() if is_next or is_cut or frame.at_s >= at - 1e-6]
        if due:
            fine = is_next or is_cut or frame.at_s >= self._fine_at - 1e-6
            self._look(due, frame, view_of(grey), fine=fine)

    def _look(self, kinds: list[str], frame: FilmFrame, view: View, *, fine: bool) -> None:
        image = frame.bgr()
        if fine:
            self._fine_at = frame.at_s + FINE_EVERY_S
        for kind in kinds:
            found = self._looker.look(kind, image, fine=fine)
            self._seen[kind].append(Look(frame.at_s, self._scene, view, found))
            self._due_at[kind] = frame.at_s + LOOK_EVERY_S[kind]
            if kind == FACE:
                self._result.looks.append(frame.at_s)
