"""One uploaded picture: what is in it, and the picture with its people covered."""

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference_workers.contracts.frames import Found, Region
from inference_workers.contracts.lease import ModelRef, Stage
from inference_workers.contracts.uploads import AnalyseImage, AnalyseImageReply
from inference_workers.engine.boxes import clip_xyxy, iou_xyxy
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Detections, Image
from inference_workers.engine.ocr.reader import WHOLE_PICTURE
from inference_workers.engine.persons import PERSON_LABELS, heads_of
from inference_workers.engine.pictures import decode_picture
from inference_workers.engine.redaction import RedactedFrame, encode_jpeg, mosaic_image, redact_image
from inference_workers.objects import Objects
from inference_workers.tasks.analyse import found_from_detections, found_from_line
from inference_workers.tasks.counters import Counters
from inference_workers.tasks.loaded import LoadedModels

logger = logging.getLogger(__name__)

MAX_INPUT_BYTES = 32 * 1024 * 1024
JPEG_QUALITY = 88
# A still has no neighbours in time: faces are looked for at two sizes, for the large and the small ones.
FACE_SIZES = ((640, 640), (1920, 1920))
SAME_FACE_IOU = 0.5
# Whoever is this surely a person has a head, found as a face or not: covered beyond what the policy asks for.
SURE_PERSON_SCORE = 0.35

Boxes = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Seen:
    """`covers_xyxy`: pixels to cover; None when people could not be looked for."""

    found: tuple[Found, ...]
    covers_xyxy: Boxes | None
    served: dict[str, str]


@dataclass(frozen=True, slots=True)
class ImageAnalyser:
    """Safe in several threads."""

    models: LoadedModels
    objects: Objects
    counters: Counters
    clock: Callable[[], float] = time.time

    def analyse(self, work: AnalyseImage) -> AnalyseImageReply:
        """Always an answer; what went wrong is in `error_code` and, in words, in `error`."""
        started_at = self.clock()
        try:
            reply = self._analyse(work, started_at)
            self.counters.add("images")
        except EngineError as error:
            reply = self._failed(work, error.code, str(error))
        except Exception as error:  # edge of the worker: whoever waits is told, whatever happened
            logger.exception("a picture could not be analysed")
            reply = self._failed(work, "analysis_failed", f"the analysis broke with {type(error).__name__}")
        self.counters.observe("image_ms", (self.clock() - started_at) * 1000)
        return reply

    def discard_input(self, work: AnalyseImage, reply: AnalyseImageReply) -> None:
        """The unredacted upload goes when nobody can need it again: done, or never to be done."""
        if reply.error_code in _WORTH_RETRYING:
            return
        try:
            self.objects.delete(work.input_key)
        except EngineError as error:
            self.counters.error(error.code)
            logger.warning("an uploaded picture could not be deleted: %s", error)

    def _analyse(self, work: AnalyseImage, started_at: float) -> AnalyseImageReply:
        if started_at > work.deadline_at:
            raise EngineError("deadline_passed", "the picture waited longer than its deadline")
        image = decode_picture(self.objects.get(work.input_key, MAX_INPUT_BYTES))
        seen = self._look(work, image)
        redacted = _redact(image, seen.covers_xyxy, work)
        jpeg = encode_jpeg(redacted, JPEG_QUALITY)
        self.objects.put(work.output_key, jpeg)
        return AnalyseImageReply(
            work.work_id,
            work.attempt,
            width=image.shape[1],
            height=image.shape[0],
            found=seen.found,
            redaction=redacted.redaction,
            output_sha256=hashlib.sha256(jpeg).hexdigest(),
            served=seen.served,
            duration_ms=(self.clock() - started_at) * 1000,
        )

    def _look(self, work: AnalyseImage, image: Image) -> _Seen:
        served: dict[str, str] = {}
        found: list[Found] = []
        faces = self._faces(work.models.get(Stage.FACES), image, served)
        if faces is not None:
            found += found_from_detections(faces, image)
        objects = self._objects(work.models.get(Stage.DETECT), image, served)
        if objects is not None:
            found += found_from_detections(objects, image)
        found += self._text(work, image, served)
        return _Seen(tuple(found), _covers(image, faces, objects, work), served)

    def _faces(self, ref: ModelRef | None, image: Image, served: dict[str, str]) -> Detections | None:
        if ref is None:
            return None
        parts = []
        for size in FACE_SIZES:
            model = self.models.get(ref, input_size=size)
            if model.detector is None:
                raise EngineError("model_task", f"{ref.name} finds no faces")
            parts += model.detector.detect([image])
            served[Stage.FACES] = model.card.sha256
        return _joined(parts)

    def _objects(self, ref: ModelRef | None, image: Image, served: dict[str, str]) -> Detections | None:
        if ref is None:
            return None
        model = self.models.get(ref)
        if model.detector is None:
            raise EngineError("model_task", f"{ref.name} finds no objects")
        served[Stage.DETECT] = model.card.sha256
        (found,) = model.detector.detect([image])
        return found

    def _text(self, work: AnalyseImage, image: Image, served: dict[str, str]) -> list[Found]:
        ref = work.models.get(Stage.TEXT)
        if ref is None:
            return []
        model = self.models.get(ref)
        if model.reader is None:
            raise EngineError("model_task", f"{ref.name} reads no text")
        served[Stage.TEXT] = model.card.sha256
        lines = model.reader.read(image, (Region(WHOLE_PICTURE, work.script),))
        return [found_from_line(line, image) for line in lines]

    def _failed(self, work: AnalyseImage, code: str, message: str) -> AnalyseImageReply:
        self.counters.error(code)
        return AnalyseImageReply(work.work_id, work.attempt, error_code=code, error=message)


_WORTH_RETRYING = frozenset(
    {"object_store_unreachable", "memory_short", "out_of_memory", "model_missing", "model_wrong_hash"}
)


def _redact(image: Image, covers_xyxy: Boxes | None, work: AnalyseImage) -> RedactedFrame:
    """Faces that nobody could look for: the whole picture becomes a mosaic."""
    if covers_xyxy is None:
        return mosaic_image(image)
    return redact_image(image, covers_xyxy, work.redaction)


def _covers(
    image: Image, faces: Detections | None, objects: Detections | None, work: AnalyseImage
) -> Boxes | None:
    """Boxes to cover for the policy's targets; None when one of them could not be looked for."""
    targets = set(work.redaction.targets)
    if faces is None:
        return None
    if targets & {"person", "head"} and not _looks_for_persons(objects):
        return None
    boxes = [faces.boxes_xyxy.astype(np.float64)]
    if "person" in targets:
        boxes.append(_persons(objects, image))
    boxes.append(heads_of(_persons(objects, image, 0.0 if "head" in targets else SURE_PERSON_SCORE)))
    return np.concatenate(boxes)


def _looks_for_persons(objects: Detections | None) -> bool:
    return objects is not None and not PERSON_LABELS.isdisjoint(objects.classes)


def _persons(objects: Detections | None, image: Image, min_score: float = 0.0) -> Boxes:
    """What of them is in the picture."""
    if objects is None:
        return np.zeros((0, 4))
    wanted = np.array([name in PERSON_LABELS for name in objects.labels()], bool)
    found = objects.boxes_xyxy[wanted & (objects.scores >= min_score)].astype(np.float64)
    inside = clip_xyxy(found, image.shape[1], image.shape[0])
    return np.asarray(inside[((inside[:, 2:] - inside[:, :2]) >= 1).all(axis=1)], np.float64)


def _joined(parts: list[Detections]) -> Detections:
    """The union of two searches; a face that both found is kept once, the surer one."""
    boxes_xyxy = np.concatenate([part.boxes_xyxy for part in parts])
    scores = np.concatenate([part.scores for part in parts])
    class_ids = np.concatenate([part.class_ids for part in parts])
    order = np.argsort(-scores, kind="stable")
    overlaps = iou_xyxy(boxes_xyxy, boxes_xyxy)
    kept: list[int] = []
    for i in order.tolist():
        if all(overlaps[i, j] < SAME_FACE_IOU for j in kept):
            kept.append(i)
    index = np.array(kept, dtype=np.intp)
    return Detections(boxes_xyxy[index], scores[index], class_ids[index], parts[0].classes)
