"""ANALYSE: one segment's frames to strands of faces, persons and text."""

import math
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
from inference_workers.engine.films.strands import FollowRules, Look, Strand, doubtful, link

VERSION = 1
# Looks in between that a segment may have, as a share of the planned ones, and how often gaps are halved.
CLOSER_SHARE = 4.0
CLOSER_ROUNDS = 3
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
    """Goes through one segment once, and once more over the parts that left a doubt."""

    def __init__(self, path: Path, film: Film, segment: int, looker: Looker) -> None:
        self._path = path
        self._film = film
        self._looker = looker
        self._start_pts = film.segments[segment].start_pts
        self._end_pts = film.segments[segment].end_pts
        self._cut_detector = CutDetector()
        self._scene = 0
        self._due_at = dict.fromkeys(looker.kinds(), float("-inf"))
        self._fine_at = float("-inf")
        self._seen: dict[str, list[Look]] = {kind: [] for kind in looker.kinds()}
        self._moments: list[float] = []
        self._result = SegmentLooks()

    def run(self) -> SegmentLooks:
        """Raises EngineError: those of the reader and of the models."""
        reader = FilmReader(self._path, self._film, self._start_pts, self._end_pts)
        frame = None
        for number, frame in enumerate(reader.frames(and_next=True)):
            self._take(number, frame)
        if frame is not None:
            self._look_last(frame)
        if FACE in self._seen:
            self._look_closer()
        result = self._result
        result.damage_s = reader.damage_s
        result.looks = [look.at_s for look in self._seen.get(FACE, [])]
        result.strands = {kind: link(looks, FOLLOW[kind]) for kind, looks in self._seen.items()}
        return result

    def _take(self, number: int, frame: FilmFrame) -> None:
        is_next = frame.pts >= self._end_pts
        grey = luma(frame.picture)
        is_cut = self._cut_detector.is_cut(np.broadcast_to(grey[:, :, None], (*grey.shape, 3)))
        if is_cut and number:
            self._scene += 1
            self._result.cuts.append(frame.at_s)
        self._moments.append(frame.at_s)
        if not is_next:
            self._result.frames += 1
            self._result.last_s = frame.at_s
        due = [kind for kind, at in self._due_at.items() if is_next or is_cut or frame.at_s >= at - 1e-6]
        if due:
            fine = is_next or is_cut or frame.at_s >= self._fine_at - 1e-6
            self._look(due, frame, view_of(grey), fine=fine)

    def _look_last(self, frame: FilmFrame) -> None:
        """The last frame of the film is looked at: nothing behind it tells where people went."""
        missed = [kind for kind, looks in self._seen.items() if looks[-1].at_s < frame.at_s]
        if missed:
            self._look(missed, frame, view_of(luma(frame.picture)), fine=True)

    def _look(self, kinds: list[str], frame: FilmFrame, view: View, *, fine: bool) -> None:
        image = frame.bgr()
        if fine:
            self._fine_at = frame.at_s + FINE_EVERY_S
        for kind in kinds:
            found = self._looker.look(kind, image, fine=fine)
            self._seen[kind].append(Look(frame.at_s, self._scene, view, found))
            self._due_at[kind] = frame.at_s + LOOK_EVERY_S[kind]

    def _look_closer(self) -> None:
        """Look for faces half-way between two looks where one was lost on the way; then once more."""
        left = math.ceil(CLOSER_SHARE * len(self._seen[FACE]))
        for _ in range(CLOSER_ROUNDS):
            wanted = self._between()[:left]
            if not wanted:
                return
            left -= len(wanted)
            self._look_at(dict(wanted))

    def _between(self) -> list[tuple[float, int]]:
        """Moments half-way through doubtful gaps, with the scene; nothing where no frame lies in between."""
        looks = self._seen[FACE]
        size = (self._film.facts.width, self._film.facts.height)
        found = []
        for number in doubtful(looks, size):
            start_s, end_s = looks[number].at_s, looks[number + 1].at_s
            inside = [at for at in self._moments if start_s < at < end_s]
            if inside:
                found.append((inside[len(inside) // 2], looks[number].scene))
        return found

    def _look_at(self, wanted: dict[float, int]) -> None:
        reader = FilmReader(self._path, self._film, self._start_pts, self._end_pts)
        looks = self._seen[FACE]
        for frame in reader.frames():
            if frame.at_s in wanted:
                found = self._looker.look(FACE, frame.bgr())
                looks.append(Look(frame.at_s, wanted[frame.at_s], view_of(luma(frame.picture)), found))
        looks.sort(key=lambda look: look.at_s)
