"""One micro-batch: frames of several cameras, one stage, one model version."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from inference_workers.contracts.frames import (
    LOADING,
    AnalyseBatch,
    BatchItem,
    BatchReply,
    Clock,
    Cost,
    Found,
    FrameRef,
    ItemResult,
)
from inference_workers.contracts.lease import ModelRef, Stage
from inference_workers.engine.classifiers import Classified, Classifier
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Detections, Image
from inference_workers.engine.model_directory import LoadedModel
from inference_workers.engine.ocr.reader import TextLine, TextReader
from inference_workers.tasks.counters import SIZE_BUCKETS, Counters
from inference_workers.tasks.loaded import LoadedModels, Need

LEAST_CROP_PX = 16
logger = logging.getLogger(__name__)

Crop = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which version answers a batch; `waiting` says why it is not the one that was asked for."""

    ref: ModelRef
    model: LoadedModel | None
    waiting: str = ""


@dataclass(frozen=True, slots=True)
class _Answered:
    """What became of one frame; `cost` is there for the first frame of each run."""

    found: tuple[Found, ...] | EngineError
    cost: Cost | None = None


@dataclass(slots=True)
class _Times:
    """POSIX seconds of the steps of a batch. `begun_at`: what loading took is no property of the version."""

    started_at: float
    read_at: float = 0.0
    begun_at: float | None = None


@dataclass(frozen=True, slots=True)
class Analyser:
    """Stateless apart from its counters; safe in several threads.

    Attributes:
        read_frame: copies a frame out of shared memory; raises EngineError `frame_gone`.
        clock: POSIX seconds.
    """

    models: LoadedModels
    read_frame: Callable[[FrameRef], Image]
    counters: Counters
    worker: str
    clock: Callable[[], float] = time.time

    def analyse(self, batch: AnalyseBatch) -> BatchReply | None:
        """The answer, with an error in words for each frame that has none; None after the deadline."""
        times = _Times(self.clock())
        if times.started_at > batch.deadline_at:
            self._count_expired(batch)
            return None
        frames = [self._read(item) for item in batch.items]
        times.read_at = self.clock()
        try:
            choice = self._choose(batch)
        except EngineError as error:
            nothing = [_Answered(error)] * len(batch.items)
            return self._reply(batch, _Choice(batch.model, None), nothing, times)
        if choice.model is None:
            return self._reply(batch, choice, [], times)
        times.begun_at = self.clock()
        answers = self._answer_all(choice.model, batch.items, frames)
        if self.clock() > batch.deadline_at:
            self._count_expired(batch)
            return None
        return self._reply(batch, choice, answers, times)

    def _choose(self, batch: AnalyseBatch) -> _Choice:
        """The version that answers: the one asked for, or while it is not ready the one before it.

        Raises:
            EngineError: neither can be used. For faces that means: the whole picture is covered.
        """
        if batch.shadow:
            model, waiting = self._ready(batch.model, Need.SHADOW)
            return _Choice(batch.model, model, waiting)
        if batch.stage is Stage.CLASSIFY:
            # Loaded aside: finding and covering never wait for a classifier, nor for a broken one each time.
            model, waiting = self._ready(batch.model, Need.SWAP)
            return _Choice(batch.model, model, waiting)
        if batch.fallback is None or not self.models.has(batch.fallback):
            return self._without_fallback(batch)
        model, waiting = self._ready(batch.model, Need.SWAP)
        if model is None:
            return _Choice(batch.fallback, self.models.get(batch.fallback), waiting)
        self.models.replace(batch.fallback)
        return _Choice(batch.model, model)

    def _without_fallback(self, batch: AnalyseBatch) -> _Choice:
        """Nothing serves here yet: load what was asked for now, or should that fail what served elsewhere."""
        try:
            return _Choice(batch.model, self.models.get(batch.model))
        except EngineError as error:
            if batch.fallback is None:
                raise
            return _Choice(batch.fallback, self.models.get(batch.fallback), f"{error.code}: {error}")

    def _ready(self, ref: ModelRef, need: Need) -> tuple[LoadedModel | None, str]:
        try:
            model = self.models.ready(ref, need)
        except EngineError as error:
            return None, f"{error.code}: {error}"
        return model, "" if model is not None else LOADING

    def _read(self, item: BatchItem) -> Image | EngineError:
        try:
            return self.read_frame(item.frame)
        except EngineError as error:
            return error

    def _answer_all(
        self, model: LoadedModel, items: Sequence[BatchItem], frames: Sequence[Image | EngineError]
    ) -> list[_Answered]:
        answers = {i: _Answered(frame) for i, frame in enumerate(frames) if isinstance(frame, EngineError)}
        images = {i: frame for i, frame in enumerate(frames) if not isinstance(frame, EngineError)}
        if len(images) > 1 and not model.in_thread:
            together = self._run(model, [items[i] for i in images], list(images.values()))
            if not isinstance(together, EngineError):
                return _in_order({**answers, **dict(zip(images, together, strict=True))})
            # One of them is poison: each alone, so that its neighbours are done.
            self.counters.add("batches_split")
        for i, image in images.items():
            alone = self._run(model, [items[i]], [image])
            answers[i] = _Answered(alone) if isinstance(alone, EngineError) else alone[0]
        return _in_order(answers)

    def _run(
        self, model: LoadedModel, items: Sequence[BatchItem], images: Sequence[Image]
    ) -> list[_Answered] | EngineError:
        """One run, with what it cost. Other work on a CPU is nothing that a version answers for."""
        clock, now = (Clock.CPU, time.thread_time) if model.in_thread else (Clock.WALL, time.perf_counter)
        begun_at = now()
        found = self._try(model, items, images)
        if isinstance(found, EngineError):
            return found
        cost = Cost((now() - begun_at) * 1000 / len(images), clock, len(images))
        return [_Answered(finds, None if i else cost) for i, finds in enumerate(found)]

    def _try(
        self, model: LoadedModel, items: Sequence[BatchItem], images: Sequence[Image]
    ) -> list[tuple[Found, ...]] | EngineError:
        try:
            return run_model(model, items, images)
        except EngineError as error:
            return error
        except Exception as error:  # edge of the worker: a frame must never take its neighbours with it
            logger.exception("a frame could not be analysed")
            return EngineError("analysis_failed", f"the analysis broke with {type(error).__name__}")

    def _count_expired(self, batch: AnalyseBatch) -> None:
        self.counters.add("batches_expired")
        self.counters.add("frames_expired", len(batch.items))

    def _reply(
        self, batch: AnalyseBatch, choice: _Choice, answers: Sequence[_Answered], times: _Times
    ) -> BatchReply:
        reply = BatchReply(
            batch_id=batch.batch_id,
            stage=batch.stage,
            model_version_id=choice.ref.version_id,
            model_sha256=choice.model.card.sha256 if choice.model is not None else choice.ref.sha256,
            items=tuple(_result(i, a) for i, a in zip(batch.items, answers, strict=bool(answers))),
            queued_ms=max(0.0, times.started_at - batch.submitted_at) * 1000,
            preprocess_ms=(times.read_at - times.started_at) * 1000,
            infer_ms=0.0 if times.begun_at is None else (self.clock() - times.begun_at) * 1000,
            worker=self.worker,
            waiting=choice.waiting[:300],
        )
        self._count(reply, answers, shadow=batch.shadow)
        return reply

    def _count(self, reply: BatchReply, answers: Sequence[_Answered], *, shadow: bool) -> None:
        self.counters.add("batches")
        self.counters.add("frames", len(answers))
        for answer in answers:
            if isinstance(answer.found, EngineError):
                self.counters.error(answer.found.code)
        kind = f"{reply.stage}.shadow" if shadow else reply.stage.value
        self.counters.observe(f"infer_ms.{kind}", reply.infer_ms)
        self.counters.observe(f"queued_ms.{kind}", reply.queued_ms)
        self.counters.observe("batch_size", len(answers), SIZE_BUCKETS)


def run_model(
    model: LoadedModel, items: Sequence[BatchItem], images: Sequence[Image]
) -> list[tuple[Found, ...]]:
    """Detect or read, in normalised boxes; without regions text is found and not read. Raises EngineError."""
    if model.reader is not None:
        return [_text(model.reader, item, image) for item, image in zip(items, images, strict=True)]
    if model.classifier is not None:
        return _named(model.classifier, items, images)
    if model.detector is None:
        raise EngineError("model_task", f"{model.card.name} is no model for frames")
    parts = [_part(image, item.crop_xyxy) for image, item in zip(images, items, strict=True)]
    found = model.detector.detect([part.image for part in parts])
    return [
        found_from_detections(part.whole(detections), image)
        for part, detections, image in zip(parts, found, images, strict=True)
    ]


def _named(
    classifier: Classifier, items: Sequence[BatchItem], images: Sequence[Image]
) -> list[tuple[Found, ...]]:
    """Every crop of every picture in one call; each answer goes back to its picture."""
    pairs = list(zip(items, images, strict=True))
    parts = [_part(image, crop).image for item, image in pairs for crop in item.crops_xyxy]
    answers = iter(classifier.classify(parts))
    return [tuple(_found(crop, next(answers)) for crop in item.crops_xyxy) for item in items]


def _found(crop: Crop, answer: Classified) -> Found:
    return Found(crop, answer.score, answer.label)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a picture, with its upper left corner in pixels of the picture."""

    image: Image
    left: int
    top: int

    def whole(self, found: Detections) -> Detections:
        """The same finds in pixels of the picture."""
        if not (self.left or self.top):
            return found
        corner = np.array([self.left, self.top, self.left, self.top], np.float32)
        return replace(found, boxes_xyxy=found.boxes_xyxy + corner)


def _part(image: Image, crop_xyxy: Sequence[float] | None) -> _Part:
    if crop_xyxy is None:
        return _Part(image, 0, 0)
    height, width = image.shape[:2]
    sides = np.clip(np.asarray(crop_xyxy), 0, 1) * [width, height, width, height]
    left, top, right, bottom = (int(side) for side in np.rint(sides))
    if right - left < LEAST_CROP_PX or bottom - top < LEAST_CROP_PX:
        raise EngineError(
            "crop_too_small",
            f"expected a part of at least {LEAST_CROP_PX} pixels, got {right - left}x{bottom - top}; "
            "draw the zone larger",
        )
    return _Part(image[top:bottom, left:right], left, top)


def _text(reader: TextReader, item: BatchItem, image: Image) -> tuple[Found, ...]:
    if not item.regions:
        return tuple(Found(_normalised(box, image), 1.0, "text") for box in reader.find(image))
    return tuple(found_from_line(line, image) for line in reader.read(image, item.regions))


def found_from_detections(detections: Detections, image: Image) -> tuple[Found, ...]:
    boxes = zip(detections.boxes_xyxy.tolist(), detections.scores.tolist(), detections.labels(), strict=True)
    return tuple(Found(_normalised(box, image), score, label) for box, score, label in boxes)


def found_from_line(line: TextLine, image: Image) -> Found:
    box = _normalised(line.box_xyxy, image)
    return Found(box, line.score, "text", text=line.text, script=line.script, zone_id=line.zone_id)


def _normalised(box_xyxy: Sequence[float], image: Image) -> tuple[float, float, float, float]:
    height, width = image.shape[:2]
    left, top, right, bottom = (
        min(1.0, max(0.0, side / size))
        for side, size in zip(box_xyxy, (width, height, width, height), strict=True)
    )
    return left, top, right, bottom


def _in_order(answers: dict[int, _Answered]) -> list[_Answered]:
    return [answers[i] for i in sorted(answers)]


def _result(item: BatchItem, answer: _Answered) -> ItemResult:
    frame, found = item.frame, answer.found
    if isinstance(found, EngineError):
        return ItemResult(frame.camera_id, frame.epoch, frame.seq, error=f"{found.code}: {found}")
    return ItemResult(frame.camera_id, frame.epoch, frame.seq, found, cost=answer.cost)
