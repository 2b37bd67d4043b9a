"""Looking for people and text in the frames of a film: which frames, at what size, with which models."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from inference_workers.contracts.redactions import RedactionJob
from inference_workers.engine.detectors.base import Detector
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Detections, Image
from inference_workers.engine.ocr.lines import LineFinder
from inference_workers.engine.persons import PERSON_LABELS

FACE, PERSON, TEXT = "face", "person", "text"
# Seconds between two looks. A walking face moves by less than its own width in between.
LOOK_EVERY_S = {FACE: 0.2, PERSON: 0.4, TEXT: 0.8}
# Every second look for faces may be a coarse one, at half the size for a quarter of the time: it sees the
# larger faces, and the small ones, seen at the fine looks before and after, are followed through it.
FINE_EVERY_S = 0.4
COARSE_FROM_PX = 960
# Faces of a small picture are looked for in an enlarged copy, those of a very large one in a reduced copy.
ENLARGE_TO_PX = 1280
MAX_ENLARGE = 2.0
LOOK_SIDE_PX = 1920
SAME_IOU = 0.45
_LUMA_FIRST = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"})

Found = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Looker:
    """The models of a job; what a policy asks for and no model is there for is refused before.

    `faces`: all of them look, and everything that any of them finds counts.
    """

    faces: tuple[Detector, ...]
    persons: Detector | None = None
    text: LineFinder | None = None

    def kinds(self) -> tuple[str, ...]:
        """What is looked for."""
        kinds = [FACE] if self.faces else []
        kinds += [PERSON] if self.persons is not None else []
        return (*kinds, TEXT) if self.text is not None else tuple(kinds)

    def look(self, kind: str, image: Image, *, fine: bool = True) -> Found:
        """What of `kind` is in the picture: float64 (N, 5), pixels left, top, right, bottom, and a score.

        A look that is not `fine` takes a quarter of the time where the picture is large enough for that.
        """
        if kind == FACE:
            return self._faces(image, look_scale(image.shape[1], image.shape[0], fine=fine))
        if kind == PERSON:
            return self._persons(image)
        return self._text(image)

    def _faces(self, image: Image, scale: float) -> Found:
        looked = image if scale == 1 else _scaled(image, scale)
        parts = [_rows(detector.detect([looked])[0]) for detector in self.faces]
        found = np.concatenate(parts) if parts else np.zeros((0, 5))
        found[:, :4] /= scale
        return merged(found) if len(parts) > 1 else found

    def _persons(self, image: Image) -> Found:
        assert self.persons is not None  # noqa: S101 - `kinds` names what is there
        (found,) = self.persons.detect([image])
        labels = [index for index, name in enumerate(found.classes) if name in PERSON_LABELS]
        return _rows(found)[np.isin(found.class_ids, labels)]

    def _text(self, image: Image) -> Found:
        assert self.text is not None  # noqa: S101 - `kinds` names what is there
        quads = self.text.find(image)
        rows = [[*quad.min(axis=0), *quad.max(axis=0), 1.0] for quad in quads]
        return np.array(rows, np.float64).reshape(-1, 5)


def require_models(job: RedactionJob, targets: Sequence[str]) -> None:
    """Fails closed: a policy that cannot be met is refused, never met in part.

    Raises:
        EngineError: `policy_unknown` or `model_missing`.
    """
    if unknown := set(targets) - {"face", "head", "person", "text"}:
        raise EngineError(
            "policy_unknown", f"expected the targets face, head, person, text, got {sorted(unknown)}"
        )
    if not targets:
        raise EngineError("policy_unknown", "expected at least one target to cover, got none")
    needs = {
        "face": bool(job.face_models),
        "head": job.person_model is not None and bool(job.face_models),
        "person": job.person_model is not None and bool(job.face_models),
        "text": job.text_model is not None,
    }
    if missing := [target for target in targets if not needs[target]]:
        raise EngineError(
            "model_missing",
            f"to cover {', '.join(missing)} a model is needed that is not assigned; ask a model owner",
        )


def luma(picture: VideoFrame) -> NDArray[np.uint8]:
    """The brightness of a frame, uint8 (height, width); a view of its memory where that is possible."""
    if picture.format.name not in _LUMA_FIRST:
        picture = picture.reformat(format="gray")
    plane = picture.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: picture.height, : picture.width]


def look_scale(width: int, height: int, *, fine: bool) -> float:
    """At what size faces are looked for, in pixels looked at per pixel of the film."""
    longer = max(width, height)
    scale = min(float(np.clip(ENLARGE_TO_PX / longer, 1.0, MAX_ENLARGE)), LOOK_SIDE_PX / longer)
    return scale if fine or longer * scale < COARSE_FROM_PX else scale / 2


def _scaled(image: Image, scale: float) -> Image:
    how = cv2.INTER_LINEAR if scale > 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=how), np.uint8)


def _rows(found: Detections) -> Found:
    return np.concatenate([found.boxes_xyxy, found.scores[:, None]], axis=1).astype(np.float64)


def merged(found: Found) -> Found:
    """What several models saw, each thing once: the surest box of those that lie on each other."""
    if not len(found):
        return found
    boxes_xywh = found[:, :4].copy()
    boxes_xywh[:, 2:] -= boxes_xywh[:, :2]
    kept = cv2.dnn.NMSBoxes(boxes_xywh.tolist(), found[:, 4].tolist(), 0.0, SAME_IOU)
    return found[np.asarray(kept, np.intp).ravel()]
