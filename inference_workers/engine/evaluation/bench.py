"""What every kind of job needs in the child process: its scratch folder, loaded models, its inputs."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from inference_workers.contracts import evaluations as keys
from inference_workers.contracts.evaluations import EvaluationReply, EvaluationStep, LabelledSet, SetRef
from inference_workers.contracts.lease import ModelRef
from inference_workers.engine.detectors.base import Detector
from inference_workers.engine.errors import EngineError
from inference_workers.engine.evaluation.labels import read_labels
from inference_workers.engine.evaluation.measuring import resident_bytes
from inference_workers.engine.evaluation.showing import shown_jpeg
from inference_workers.engine.films.folder import WorkFolder, canonical
from inference_workers.engine.films.looking import LOOK_SIDE_PX
from inference_workers.engine.frame import Image
from inference_workers.engine.model_directory import ModelDirectory
from inference_workers.settings import WorkerSettings

T = TypeVar("T")
Reader = Callable[[str], bytes]


def required(value: T | None) -> T:
    """The part of a message that its kind needs. Raises EngineError `message_incomplete`."""
    if value is None:
        raise EngineError("message_incomplete", "the message lacks the part that its kind needs")
    return value


class Bench:
    """One per process; what was loaded stays for the next part. Not safe in several threads."""

    def __init__(self, folder: WorkFolder, settings: WorkerSettings) -> None:
        self.folder = folder
        self.settings = settings
        self._directory = ModelDirectory(settings)
        self._loaded = lru_cache(maxsize=6)(self._load)

    def detector(self, ref: ModelRef, score: float | None = None) -> tuple[Detector, int]:
        """A version that has run once, and how many bytes this process took for that."""
        return self._loaded(ref, None, score)

    def _load(self, ref: ModelRef, size: tuple[int, int] | None, score: float | None) -> tuple[Detector, int]:
        before = resident_bytes()
        detector = self._directory.load(ref, input_size=size, score=score).detector
        if detector is None:
            raise EngineError("model_task", f"expected a model that finds boxes, {ref.name} does not")
        detector.detect([np.full((480, 640, 3), 127, np.uint8)])
        return detector, max(0, resident_bytes() - before)

    def bytes_of(self, key: str) -> bytes:
        """Raises EngineError `object_missing`."""
        try:
            return self.folder.path(key).read_bytes()
        except FileNotFoundError as error:
            raise EngineError("object_missing", f"{key}: expected an object, there is none") from error

    def labels(self, step: EvaluationStep) -> tuple[LabelledSet, Reader]:
        """The labels of a job's set, and what gives the bytes of a picture by its hash."""
        ref: SetRef = required(step.labelled)
        labelled = read_labels(self.bytes_of(keys.manifest_key(ref.set_id, ref.sha256)), ref)
        return labelled, lambda sha256: self.bytes_of(keys.picture_key(ref.set_id, sha256))

    def show(self, key: str, image: Image, face_models: Sequence[ModelRef]) -> None:
        """Leave a picture with its faces covered."""
        faces = [self._loaded(ref, (LOOK_SIDE_PX, LOOK_SIDE_PX), None)[0] for ref in face_models]
        jpeg = shown_jpeg(image, faces)
        with self.folder.new_file(key) as path:
            path.write_bytes(jpeg)

    def leave(
        self,
        step: EvaluationStep,
        result: Mapping[str, Any],
        summary: Mapping[str, float],
        words: Mapping[str, str] | None = None,
    ) -> EvaluationReply:
        """Write the result and make the reply that names it."""
        key = keys.outcome_key(step.job_id)
        self.folder.write(key, dict(result))
        sha256 = hashlib.sha256(canonical(dict(result))).hexdigest()
        return EvaluationReply(
            step.job_id, step.kind, step.attempt, key, sha256, dict(summary), dict(words or {})
        )
