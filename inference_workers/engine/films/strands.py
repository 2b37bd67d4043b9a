"""From looks at single frames to strands: one thing over the looks of one segment, both ways in time.

We see the future: what was found at one look is followed to the looks before it and after it, so that a
detector that blinks, or that finds a face late, uncovers nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from inference_workers.engine.boxes import iou_xyxy
from inference_workers.engine.films.following import View, follow

Found = NDArray[np.float64]
Box = NDArray[np.float64]

SEEN, FOLLOWED = "s", "f"
MIN_IOU = 0.2
# Where flow lost a thing, a find near the place where it should be counts as the same when no better one is.
NEAR_SIZES = 1.2
MAX_SIZE_RATIO = 1.8
NEAR_VALUE = 0.1
# A find below this score does not ask for more looks; one nearer to the border than its size comes or goes.
MIN_ASKING_SCORE = 0.35


@dataclass(frozen=True, slots=True)
class Look:
    """What was found of one kind in one frame.

    Attributes:
        at_s: seconds since the first frame of the film.
        scene: number of the scene; nothing is connected across scenes.
        found: (N, 5), pixels and score.
    """

    at_s: float
    scene: int
    view: View
    found: Found


@dataclass(frozen=True, slots=True)
class FollowRules:
    """For how long a thing is followed by its pixels alone: before its first find, after its last one."""

    before_s: float = 1.2
    after_s: float = 2.0


@dataclass(slots=True)
class Strand:
    """One thing at consecutive looks of a segment, in the order of time.

    Attributes:
        at_s: moments, one per point.
        boxes_xyxy: pixels, one per point.
        scores: of the finds; 0 where followed.
        how: `SEEN` or `FOLLOWED`, one per point.
    """

    at_s: list[float] = field(default_factory=list)
    boxes_xyxy: list[Box] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    how: list[str] = field(default_factory=list)
    first_look: int = 0
    last_seen_s: float = 0.0

    def add(self, at_s: float, box: Box, score: float, how: str) -> None:
        self.at_s.append(at_s)
        self.boxes_xyxy.append(box)
        self.scores.append(score)
        self.how.append(how)
        if how == SEEN:
            self.last_seen_s = at_s

    def expected(self, at_s: float) -> Box:
        """Where it would be if it went on as between its last two points."""
        last = self.boxes_xyxy[-1]
        if len(self.boxes_xyxy) < 2:
            return last
        share = (at_s - self.at_s[-1]) / max(self.at_s[-1] - self.at_s[-2], 1e-3)
        before = self.boxes_xyxy[-2]
        shift = (last[:2] + last[2:] - before[:2] - before[2:]) / 2 * min(share, 2.0)
        return np.asarray(last + np.concatenate([shift, shift]), np.float64)

    def add_before(self, at_s: float, box: Box) -> None:
        self.at_s.insert(0, at_s)
        self.boxes_xyxy.insert(0, box)
        self.scores.insert(0, 0.0)
        self.how.insert(0, FOLLOWED)


def link(looks: Sequence[Look], rules: FollowRules) -> list[Strand]:
    """Connect the finds of consecutive looks, follow onwards what is lost and backwards what is new."""
    done: list[Strand] = []
    active: list[Strand] = []
    for number, look in enumerate(looks):
        before = looks[number - 1] if number else None
        if before is None or before.scene != look.scene:
            done += active
            active = [_begun(row, number, look) for row in look.found]
            continue
        active, ended = _step(active, before, look, number, rules)
        done += ended
    strands = done + active
    _follow_back(strands, looks, rules)
    return strands


def _begun(row: Found, number: int, look: Look) -> Strand:
    strand = Strand(first_look=number)
    strand.add(look.at_s, row[:4], float(row[4]), SEEN)
    return strand


def _step(
    active: list[Strand], before: Look, look: Look, number: int, rules: FollowRules
) -> tuple[list[Strand], list[Strand]]:
    """One look further: (strands that go on, with new ones; strands that ended)."""
    last = np.array([strand.boxes_xyxy[-1] for strand in active]).reshape(-1, 4)
    moved, sure = follow(before.view, look.view, last)
    for i, strand in enumerate(active):
        if not sure[i]:
            moved[i] = strand.expected(look.at_s)
    pairs = _pairs(moved, look.found)
    going, ended = [], []
    for i, strand in enumerate(active):
        j = pairs.get(i)
        if j is not None:
            strand.add(look.at_s, look.found[j, :4], float(look.found[j, 4]), SEEN)
        elif sure[i] and look.at_s - strand.last_seen_s <= rules.after_s:
            strand.add(look.at_s, moved[i], 0.0, FOLLOWED)
        else:
            ended.append(strand)
            continue
        going.append(strand)
    new = set(range(len(look.found))) - set(pairs.values())
    return going + [_begun(look.found[j], number, look) for j in sorted(new)], ended


def _pairs(moved: NDArray[np.float64], found: Found) -> dict[int, int]:
    """Which strand is which find: the greatest overlap first, then the nearest."""
    if not len(moved) or not len(found):
        return {}
    overlap = np.asarray(iou_xyxy(moved, found[:, :4]), np.float64)
    value = np.maximum(
        np.where(overlap >= MIN_IOU, overlap, 0.0), NEAR_VALUE * _nearness(moved, found[:, :4])
    )
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    rows, columns = np.nonzero(value)
    for k in np.argsort(-value[rows, columns], kind="stable"):
        i, j = int(rows[k]), int(columns[k])
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return pairs


def _nearness(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every pair (N, M): 1 in one place, 0 from `NEAR_SIZES` on, or where the sizes are too different."""
    size_a = np.maximum(first[:, 2:] - first[:, :2], 1.0).max(axis=1)[:, None]
    size_b = np.maximum(second[:, 2:] - second[:, :2], 1.0).max(axis=1)[None]
    between = (first[:, None, :2] + first[:, None, 2:] - second[None, :, :2] - second[None, :, 2:]) / 2
    distance = np.linalg.norm(between, axis=2) / (NEAR_SIZES * np.minimum(size_a, size_b))
    alike = np.maximum(size_a / size_b, size_b / size_a) <= MAX_SIZE_RATIO
    return np.where(alike, np.clip(1 - distance, 0, 1), 0.0)


def doubtful(looks: Sequence[Look], size_wh: tuple[int, int]) -> list[int]:
    """After which looks something came or went that could not be followed: a look in between would tell.

    Returns:
        indexes of looks whose next look is meant, in order.
    """
    return [
        number
        for number, (before, after) in enumerate(pairwise(looks))
        if before.scene == after.scene and (_lost(before, after, size_wh) or _lost(after, before, size_wh))
    ]


def _lost(here: Look, there: Look, size_wh: tuple[int, int]) -> bool:
    """A clear find, away from the border, that is neither found nor followed at the other look."""
    clear = here.found[(here.found[:, 4] >= MIN_ASKING_SCORE) & _is_inside(here.found, size_wh)]
    if not len(clear):
        return False
    moved, sure = follow(here.view, there.view, clear[:, :4])
    overlap = iou_xyxy(moved, there.found[:, :4])
    met = (overlap >= MIN_IOU).any(axis=1) if overlap.shape[1] else np.zeros(len(clear), bool)
    return bool((~sure & ~met).any())


def _is_inside(found: Found, size_wh: tuple[int, int]) -> NDArray[np.bool_]:
    margin = (found[:, 2:4] - found[:, :2]).max(axis=1)[:, None]
    return np.asarray(((found[:, :2] > margin) & (found[:, 2:4] < np.array(size_wh) - margin)).all(axis=1))


def _follow_back(strands: Sequence[Strand], looks: Sequence[Look], rules: FollowRules) -> None:
    """Extend each strand to the looks before its first find, while its pixels can be followed."""
    first_seen = {id(strand): strand.at_s[0] for strand in strands}
    waiting = {id(strand) for strand in strands}
    for number in range(len(looks) - 1, 0, -1):
        look, before = looks[number], looks[number - 1]
        here = [strand for strand in strands if strand.first_look == number and id(strand) in waiting]
        if look.scene != before.scene or not here:
            continue
        boxes = np.array([strand.boxes_xyxy[0] for strand in here])
        moved, sure = follow(look.view, before.view, boxes)
        for i, strand in enumerate(here):
            if sure[i] and first_seen[id(strand)] - before.at_s <= rules.before_s:
                strand.add_before(before.at_s, moved[i])
                strand.first_look = number - 1
            else:
                waiting.discard(id(strand))
