"""Real clips as material: labelled faces where there are labels, else what the second detector sees."""

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.redaction.films import read_film, shape_of
from benchmarks.redaction.second_look import SecondLook, as_faces, surer
from benchmarks.redaction.truth import Face, Truth

LABELLED = ("cam07", "cam13")
# The others with people who face the camera; `cam02` is the one that speed is measured on.
OTHERS = ("cam02", "cam05", "cam08", "cam09", "cam10")
# Of an unlabelled clip so many frames are looked at, spread evenly.
LOOKED_AT = 90
# In the original; in the output a find counts from a lower score on (`second_look.SCORE`).
SURE = 0.6


@dataclass(frozen=True, slots=True)
class Clip:
    path: Path
    truth: Truth


def open_clip(data: Path, name: str, look: SecondLook) -> Clip:
    path = next((data / "video").glob(f"{name}_*"))
    if name in LABELLED:
        return Clip(path, labelled_truth(data / "video" / "gt" / f"{name}_faces.json", path, name))
    return Clip(path, seen_truth(path, name, look))


def labelled_truth(labels: Path, path: Path, name: str) -> Truth:
    """Faces with `ignore` are left out; a person's number is that of the place in the list."""
    described = json.loads(labels.read_text())["frames"]
    shape = shape_of(path)
    frames = tuple(
        tuple(
            Face(index, _xyxy(face["bbox"]))
            for index, face in enumerate(described.get(str(number), []))
            if not face["ignore"]
        )
        for number in range(shape.frames)
    )
    return Truth(name, shape.size_wh, frames)


def seen_truth(path: Path, name: str, look: SecondLook) -> Truth:
    """What YuNet sees in the original: a leak is then a face that it saw before and still sees."""
    shape = shape_of(path)
    step = max(1, shape.frames // LOOKED_AT)
    known = frozenset(range(0, shape.frames, step))
    frames = tuple(
        as_faces(surer(look.finds(image), SURE)) if number in known else ()
        for number, image in enumerate(read_film(path))
    )
    return Truth(name, shape.size_wh, frames, known=known)


def _xyxy(box_xywh: list[float]) -> tuple[float, float, float, float]:
    left, top, width, height = box_xywh
    return left, top, left + width, top + height
