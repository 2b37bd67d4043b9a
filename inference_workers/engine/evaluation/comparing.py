"""Picture by picture: where the candidate makes more mistakes than the base, and what it may not miss."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from inference_workers.engine.evaluation.labels import Sized
from inference_workers.engine.evaluation.measuring import Measurement, Seen
from inference_workers.engine.evaluation.pairing import Thing, pair
from inference_workers.engine.evaluation.verdicts import Served


@dataclass(frozen=True, slots=True)
class Mistakes:
    """One version on one picture at its serving threshold, IoU 0.5 or more."""

    missed: tuple[int, ...]
    wrong: tuple[int, ...]
    found: tuple[Thing, ...] = field(repr=False)

    @property
    def count(self) -> int:
        return len(self.missed) + len(self.wrong)


@dataclass(frozen=True, slots=True)
class PictureDifference:
    """`place` is the picture's place in the set."""

    place: int
    candidate: Mistakes
    base: Mistakes
    labels: tuple[Thing, ...] = field(repr=False)

    @property
    def more_mistakes(self) -> int:
        return self.candidate.count - self.base.count

    def plain(self, sized: Sized) -> dict[str, Any]:
        return {
            "name": sized.labelled.name, "sha256": sized.labelled.sha256, "light": sized.light,
            "camera": sized.labelled.camera,
            "width": sized.width, "height": sized.height, "more_mistakes": self.more_mistakes,
            "labels": [asdict(thing) for thing in self.labels],
            "candidate": _plain(self.candidate), "base": _plain(self.base),
        }  # fmt: skip


def _plain(mistakes: Mistakes) -> dict[str, Any]:
    return {
        "missed": list(mistakes.missed), "wrong": list(mistakes.wrong),
        "found": [asdict(thing) for thing in mistakes.found],
    }  # fmt: skip


def labels_of(sized: Sized, classes: Sequence[str], *, crowds: bool = False) -> tuple[Thing, ...]:
    boxes = (box for box in sized.labelled.boxes if box.crowd is crowds)
    return tuple(Thing(box.box_xyxy, classes[box.label]) for box in boxes)


def mistakes_of(seen: Seen, sized: Sized, classes: Sequence[str], score: float) -> Mistakes:
    """Objects that were missed and finds that meet no object; finds inside of a crowd do not count."""
    labels, crowds = labels_of(sized, classes), labels_of(sized, classes, crowds=True)
    found = tuple(
        Thing(box, classes[label], sureness)
        for box, sureness, label in zip(seen.boxes_xyxy, seen.scores, seen.labels, strict=True)
        if sureness >= score
    )
    pairs = pair(found, labels)
    met, right = {j for _i, j in pairs}, {i for i, _j in pairs}
    missed = tuple(j for j in range(len(labels)) if j not in met)
    wrong = tuple(i for i, thing in enumerate(found) if i not in right and not _in_crowd(thing, crowds))
    return Mistakes(missed, wrong, found)


def _in_crowd(thing: Thing, crowds: Sequence[Thing]) -> bool:
    x = (thing.box_xyxy[0] + thing.box_xyxy[2]) / 2
    y = (thing.box_xyxy[1] + thing.box_xyxy[3]) / 2
    return any(
        crowd.label == thing.label
        and crowd.box_xyxy[0] <= x <= crowd.box_xyxy[2]
        and crowd.box_xyxy[1] <= y <= crowd.box_xyxy[3]
        for crowd in crowds
    )


def differences(
    candidate: Measurement, base: Measurement, candidate_score: float, base_score: float
) -> list[PictureDifference]:
    """Every picture of the set, in its order."""
    classes = base.labelled.classes
    return [
        PictureDifference(
            place,
            mistakes_of(candidate.seen[place], sized, classes, candidate_score),
            mistakes_of(base.seen[place], sized, classes, base_score),
            labels_of(sized, classes),
        )
        for place, sized in enumerate(base.pictures)
    ]


def served(found: Sequence[PictureDifference], side: str) -> Served:
    """One side at its serving score, picture by picture."""
    sides: list[Mistakes] = [getattr(item, side) for item in found]
    missed = np.array([len(mistakes.missed) for mistakes in sides], np.float64)
    labels = np.array([len(item.labels) for item in found], np.float64)
    wrong = np.array([len(mistakes.wrong) for mistakes in sides], np.float64)
    return Served(labels - missed, missed, wrong)


def worst_first(found: Sequence[PictureDifference], most: int) -> list[PictureDifference]:
    """Pictures on which the candidate makes more mistakes."""
    worse = [difference for difference in found if difference.more_mistakes > 0]
    return sorted(worse, key=lambda item: (-item.more_mistakes, item.place))[:most]


def must_pass_missed(
    found: Sequence[PictureDifference], pictures: Sequence[Sized], must_pass: Sequence[str]
) -> list[PictureDifference]:
    """Must-pass pictures on which the candidate misses an object."""
    wanted = set(must_pass)
    return [
        item for item in found if pictures[item.place].labelled.sha256 in wanted and item.candidate.missed
    ]
