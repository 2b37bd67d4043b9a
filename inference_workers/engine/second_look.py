"""The second look: are there faces in a redacted picture that no cover hides?

Somebody else looks than the detector that found the faces to cover: another family, or, where none is
installed, the same one larger, and bolder where OpenCV's frontal cascade agrees. What it finds is judged
by where it lies. A find that the covers hide for the most part is the cover itself, which sometimes looks
like a face to a detector (`on_cover`); a find that is mostly bare is a leak.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_workers.contracts.models import ModelCard
from inference_workers.engine.boxes import Boxes, area_xyxy, iou_xyxy
from inference_workers.engine.detectors.base import Detector
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Detections, Image
from inference_workers.engine.redaction import Polygon, RedactedFrame

# A find counts as hidden when at least this share of it lies on covers. Covers reach a quarter beyond the
# face on each side, so the find of a covered face lies wholly inside; half leaves room for a find that is
# larger than its face, and still calls a face bare of which one eye and the mouth show.
HIDDEN_SHARE = 0.5
SAME_FACE_IOU = 0.3
# Below this a face holds too little to be recognised, and detectors see faces in anything.
MIN_FACE_PX = 12.0
CASCADE_FILE = "haarcascade_frontalface_default.xml"
CASCADE_STEP = 1.1
CASCADE_NEIGHBOURS = 6
CASCADE_MIN_PX = 24
CASCADE_SCORE = 0.5


# Who looks, best first, and from which score on a find counts (docs/privacy.md has the figures).
ORDER = ("yunet-n", "yunet-s", "centerface", "ultralight-rfb-640")
MIN_SCORE = {"yunet": 0.8, "centerface": 0.5, "ultralight": 0.8}
# From here on a find of the same family counts where the cascade agrees.
BOLD_SCORE = {"yunet": 0.5, "centerface": 0.2, "ultralight": 0.5}
# Pictures are looked at as they are up to this side; larger ones are reduced.
SIDE_PX = (1920, 1920)


class Looker(Protocol):
    """Looks for faces in one picture. `name` says who, at which size."""

    name: str

    def look(self, image: Image) -> Detections:
        """Faces in pixels of `image` (uint8 BGR)."""
        ...


@dataclass(frozen=True, slots=True)
class Leak:
    """One find of a second look.

    Attributes:
        box_xyxy: pixels of the redacted picture.
        on_cover: it lies on covers: no leak, the cover looks like a face.
        hidden_share: the share of the find that covers hide, 0..1.
    """

    box_xyxy: tuple[float, float, float, float]
    score: float
    looker: str
    on_cover: bool
    hidden_share: float


class ModelLooker:
    """A face detector at one scale of the picture.

    Args:
        min_score: what counts as a find; higher than for covering, where a false cover costs little.
        scale: how much larger than it is the picture is looked at.
    """

    def __init__(self, detector: Detector, name: str, min_score: float, scale: float = 1.0) -> None:
        self._detector = detector
        self._min_score = min_score
        self._scale = scale
        self.name = name if scale == 1 else f"{name} {scale:g}x"

    def look(self, image: Image) -> Detections:
        (found,) = self._detector.detect([self._scaled(image)])
        keep = found.scores >= self._min_score
        boxes = np.asarray(found.boxes_xyxy[keep] / self._scale, np.float32)
        return Detections(boxes, found.scores[keep], found.class_ids[keep], found.classes)

    def _scaled(self, image: Image) -> Image:
        if self._scale == 1:
            return image
        by = self._scale
        return np.asarray(cv2.resize(image, None, fx=by, fy=by, interpolation=cv2.INTER_CUBIC), np.uint8)


class CascadeLooker:
    """OpenCV's frontal face cascade (Viola and Jones 2001), which the installed wheel carries."""

    name = "cascade"

    def __init__(self) -> None:
        self._cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / CASCADE_FILE))

    def look(self, image: Image) -> Detections:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        found = self._cascade.detectMultiScale(
            grey, CASCADE_STEP, CASCADE_NEIGHBOURS, minSize=(CASCADE_MIN_PX, CASCADE_MIN_PX)
        )
        boxes = np.asarray(found, np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        count = len(boxes)
        return Detections(
            boxes, np.full(count, CASCADE_SCORE, np.float32), np.zeros(count, np.int32), ("face",)
        )


class AgreeingLooker:
    """Faces that two lookers see in the same place; either alone, bold as it is, sees them in shirts too."""

    def __init__(self, first: Looker, second: Looker) -> None:
        self._first = first
        self._second = second
        self.name = f"{first.name} with {second.name}"

    def look(self, image: Image) -> Detections:
        found = self._first.look(image)
        if not len(found):
            return found
        other = self._second.look(image)
        seen = iou_xyxy(found.boxes_xyxy, other.boxes_xyxy).max(axis=1, initial=0.0) >= SAME_FACE_IOU
        return Detections(found.boxes_xyxy[seen], found.scores[seen], found.class_ids[seen], found.classes)


def lookers_for(
    families: Collection[str],
    cards: Iterable[ModelCard],
    open_detector: Callable[[ModelCard], Detector],
    cascade: Looker,
) -> tuple[Looker, ...]:
    """Another family than those that found the faces to cover; where none is installed the best of them,
    larger as well, and bolder where the cascade agrees.

    Raises:
        EngineError: no known face detector is installed, or those of `open_detector`.
    """
    usable = {card.name: card for card in cards if card.task == "face" and not card.problem}
    known = [usable[name] for name in ORDER if name in usable]
    if not known:
        raise EngineError("model_missing", "second look: expected a known face detector, there is none")
    other = next((card for card in known if card.family not in families), None)
    card = other or known[0]
    detector, sure = open_detector(card), MIN_SCORE[card.family]
    if other is not None:
        return (ModelLooker(detector, card.name, sure),)
    bold = ModelLooker(detector, card.name, BOLD_SCORE[card.family])
    return (
        ModelLooker(detector, card.name, sure),
        ModelLooker(detector, card.name, sure, 1.5),
        AgreeingLooker(bold, cascade),
    )


def second_look(redacted: RedactedFrame, lookers: Sequence[Looker]) -> list[Leak]:
    """Look at a redacted frame again; all finds, leaks first, the surest first.

    Raises:
        EngineError: a detector failed.
    """
    return find_leaks(redacted.image, np.asarray(redacted.covered_xyxy, np.float64).reshape(-1, 4), lookers)


def find_leaks(
    image: Image, covered_xyxy: Boxes, lookers: Sequence[Looker], masks: Sequence[Polygon] = ()
) -> list[Leak]:
    """The same for a picture that was stored or sent.

    Args:
        image: the redacted picture, uint8 BGR.
        covered_xyxy: (N, 4), pixels of `image`.
        masks: polygons with corners normalised to 0..1 that are covered, too.
    """
    hidden = _hidden(image.shape[1], image.shape[0], covered_xyxy, masks)
    found = [
        _judged(box, float(score), looker.name, hidden)
        for looker in lookers
        for box, score in _large(looker.look(image))
    ]
    return _merged(sorted(found, key=lambda leak: (leak.on_cover, -leak.score)))


def _large(found: Detections) -> list[tuple[NDArray[np.float32], float]]:
    sides = (found.boxes_xyxy[:, 2:] - found.boxes_xyxy[:, :2]).min(axis=1, initial=np.inf)
    return [(found.boxes_xyxy[i], float(found.scores[i])) for i in np.flatnonzero(sides >= MIN_FACE_PX)]


def _hidden(width: int, height: int, covered_xyxy: Boxes, masks: Sequence[Polygon]) -> NDArray[np.uint8]:
    """1 where a cover lies, shape (height, width)."""
    hidden = np.zeros((height, width), np.uint8)
    for left, top, right, bottom in np.rint(np.asarray(covered_xyxy)).astype(int).reshape(-1, 4).tolist():
        hidden[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = 1
    for mask in masks:
        corners = np.rint(np.asarray(mask, np.float64) * (width, height)).astype(np.int32)
        cv2.fillPoly(hidden, [corners], (1,))
    return hidden


def _judged(box: NDArray[np.float32], score: float, looker: str, hidden: NDArray[np.uint8]) -> Leak:
    height, width = hidden.shape
    left, top, right, bottom = (float(side) for side in np.clip(box, 0, [width, height, width, height]))
    patch = hidden[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))]
    share = float(patch.mean()) if patch.size else 0.0
    return Leak((left, top, right, bottom), score, looker, share >= HIDDEN_SHARE, share)


def _merged(leaks: list[Leak]) -> list[Leak]:
    """One face that two lookers found is one find; the first of them stays."""
    if not leaks:
        return []
    boxes = np.array([leak.box_xyxy for leak in leaks])
    overlaps, inside = iou_xyxy(boxes, boxes), _share_inside(boxes)
    kept: list[int] = []
    for i in range(len(leaks)):
        if all(overlaps[i, j] < SAME_FACE_IOU and inside[i, j] < 1 - SAME_FACE_IOU for j in kept):
            kept.append(i)
    return [leaks[i] for i in kept]


def _share_inside(boxes: Boxes) -> NDArray[np.floating]:
    """How much of box i lies in box j, shape (N, N)."""
    top_left = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    sides = np.clip(np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - top_left, 0, None)
    return np.asarray(np.prod(sides, axis=2) / np.maximum(area_xyxy(boxes)[:, None], 1e-9))
