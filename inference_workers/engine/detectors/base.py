"""The detector protocol, and the class that runs any graph whose family has a decoder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inference_workers.engine.backends import Backend
from inference_workers.engine.detectors.candidates import Candidates, best_first, merge
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Detections, Image
from inference_workers.engine.preprocess import Placement, Preprocess, place, to_tensor

Outputs = Mapping[str, NDArray[np.float32]]
MIN_SIDE_PX = 1.0
CPU_ALONE = ("CPUExecutionProvider",)
EVERY_SCORE = -1.0


class Detector(Protocol):
    """Finds boxes in pictures. Keeps no state between calls.

    Attributes:
        in_thread: pictures are computed one after another by the thread that calls (a CPU alone), so that a
            batch saves nothing and the thread's time on a core is what a picture costs.
    """

    classes: tuple[str, ...]
    in_thread: bool

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """One `Detections` per picture (uint8 BGR), in pixels of the given picture.

        Raises:
            EngineError: `image_shape`, `inference_failed`, `output_not_finite`, `output_shape`.
        """


class Decoder(Protocol):
    """Turns the outputs of one tensor into candidates above a score."""

    def __call__(self, outputs: Outputs, tensor_size: tuple[int, int], threshold: float) -> Candidates:
        """`outputs`: values without the batch axis. `tensor_size`: (width, height) in pixels."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`nms` is None for families whose graph answers with one box per object."""

    score: float
    nms: float | None


class OnnxDetector:
    """A graph, how to feed it, and how to read its answer."""

    def __init__(
        self,
        backend: Backend,
        decoder: Decoder,
        *,
        preprocess: Preprocess,
        input_size: tuple[int, int],
        thresholds: Thresholds,
        classes: tuple[str, ...],
    ) -> None:
        self.classes = classes
        self._backend = backend
        self._decoder = decoder
        self._preprocess = preprocess
        self._input_size = input_size
        self._thresholds = thresholds
        # On a CPU a picture in a batch takes as long as one alone (CenterFace 640x384: 41 and 40 ms), and the
        # memory for all of them stays with the process.
        self.in_thread = tuple(backend.providers) == CPU_ALONE
        self._batched = backend.input.shape[0] is None and not self.in_thread

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        for image in images:
            check_image(image)
        places = [
            place(image.shape[1], image.shape[0], self._input_size, self._preprocess.resize)
            for image in images
        ]
        found: dict[int, Detections] = {}
        for group in self._groups(places):
            tensor = to_tensor([images[i] for i in group], [places[i] for i in group], self._preprocess)
            outputs = self._run(tensor)
            for row, i in enumerate(group):
                found[i] = self._read(_row(outputs, row, len(group)), places[i])
        return [found[i] for i in range(len(images))]

    def candidates(self, image: Image) -> Candidates:
        """Everything that the graph answers for one picture, whatever its score; for checks, not for use.

        Boxes are in pixels of the tensor. Raises EngineError as `detect` does.
        """
        check_image(image)
        where = place(image.shape[1], image.shape[0], self._input_size, self._preprocess.resize)
        outputs = self._run(to_tensor([image], [where], self._preprocess))
        return self._decoder(_row(outputs, 0, 1), where.tensor, EVERY_SCORE)

    def _groups(self, places: list[Placement]) -> list[list[int]]:
        """Pictures that may share a tensor: of one size, where the graph takes batches and they help."""
        order = range(len(places))
        if not self._batched:
            return [[i] for i in order]
        by_size = sorted(order, key=lambda i: places[i].tensor)
        return [list(group) for _, group in groupby(by_size, key=lambda i: places[i].tensor)]

    def _run(self, tensor: NDArray[np.float32]) -> Outputs:
        outputs = self._backend.run(tensor)
        require_finite(outputs)
        return outputs

    def _read(self, outputs: Outputs, where: Placement) -> Detections:
        candidates = self._decoder(outputs, where.tensor, self._thresholds.score)
        self._require_known_classes(candidates)
        if self._thresholds.nms is None:
            candidates = best_first(candidates)
        else:
            candidates = merge(candidates, self._thresholds.nms)
        return to_detections(candidates, where, self.classes)

    def _require_known_classes(self, candidates: Candidates) -> None:
        if len(candidates.class_ids) and not 0 <= candidates.class_ids.max() < len(self.classes):
            raise EngineError(
                "output_classes",
                f"expected class ids below {len(self.classes)}, the graph answered "
                f"{int(candidates.class_ids.max())}; the side file lists too few classes",
            )


def check_image(image: Image) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise EngineError(
            "image_shape",
            f"expected uint8 of shape (height, width, 3), got {image.dtype} {image.shape}",
        )


def require_finite(outputs: Outputs) -> None:
    for name, value in outputs.items():
        if not np.isfinite(value).all():
            raise EngineError(
                "output_not_finite",
                f"output {name}: expected finite numbers, the graph answered NaN or infinity; "
                "the model file or the execution provider is broken",
            )


def to_detections(candidates: Candidates, where: Placement, classes: tuple[str, ...]) -> Detections:
    """Map to the picture and drop what lies outside of it."""
    boxes_xyxy = where.to_picture(candidates.boxes_xyxy)
    seen = np.flatnonzero((boxes_xyxy[:, 2:] - boxes_xyxy[:, :2] >= MIN_SIDE_PX).all(axis=1))
    return Detections(
        boxes_xyxy[seen],
        np.clip(candidates.scores[seen], 0, 1).astype(np.float32),
        candidates.class_ids[seen].astype(np.int32),
        classes,
    )


def _row(outputs: Outputs, row: int, count: int) -> Outputs:
    """One picture's part of each output; graphs for one picture may leave the batch axis out."""
    return {name: value[row] if value.shape[0] == count else value for name, value in outputs.items()}
