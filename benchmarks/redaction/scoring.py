"""Scores a redacted film against its original and the truth about its faces."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.redaction import detail
from benchmarks.redaction.covered import add_covers
from benchmarks.redaction.films import read_film, shape_of
from benchmarks.redaction.score import Score, Slipped, counting
from benchmarks.redaction.second_look import Look, in_size, is_found
from benchmarks.redaction.tools import Covers
from benchmarks.redaction.truth import Truth
from inference_workers.engine.frame import Image


@dataclass(frozen=True, slots=True)
class Redacted:
    """A tool's output and, where the tool says it, what it covered."""

    path: Path
    covers: Covers | None


def score(source: Path, truth: Truth, redacted: Redacted, look: Look | None) -> Score:
    """Frames are compared one by one; what one film has more than the other shows in `same_shape` alone."""
    result = Score(
        same_shape=shape_of(source) == shape_of(redacted.path), covers_known=redacted.covers is not None
    )
    for number, images in enumerate(zip(read_film(source), read_film(redacted.path), strict=False)):
        if truth.is_known(number) and number < len(truth.frames):
            result.frames += 1
            _add_frame(result, truth, number, Looked(*images, look))
    if redacted.covers is not None:
        add_covers(result, truth, redacted.covers)
    return result


@dataclass(frozen=True, slots=True)
class Looked:
    """A frame before and after, and who looks at it once more."""

    before: Image
    after: Image
    look: Look | None


def _add_frame(result: Score, truth: Truth, number: int, looked: Looked) -> None:
    faces = counting(truth, number)
    if not faces:
        return
    pair = detail.pair_of(looked.before, looked.after)
    finds = None if looked.look is None else looked.look.finds(looked.after)
    for face in faces:
        left = detail.detail_left(pair, truth, number, face)
        by_look = finds is not None and is_found(in_size(finds, looked.after, truth.size_wh), face)
        result.count(truth.name, number, face, Slipped(left, detail.is_left(left, face), by_look))
