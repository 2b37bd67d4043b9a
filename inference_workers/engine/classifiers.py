"""Classifiers: which of its classes a picture shows, mostly the crop of something that a detector found.

How the numbers of the graph are meant is stated by the family, never guessed: `classifier-probabilities`
answers shares that sum to one (a softmax is in the graph), `classifier-logits` numbers of which the softmax
is taken here. One that states the wrong of the two is refused when it is checked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inference_workers.engine.backends import Backend
from inference_workers.engine.detectors.base import CPU_ALONE, Outputs, check_image, require_finite
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Image
from inference_workers.engine.preprocess import Preprocess, Resize, place, to_tensor

TASK = "classification"
# Rounding of half-precision graphs over a thousand classes stays below this.
SUM_TOLERANCE = 0.01

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Classified:
    """`label` is the class with the highest probability; empty where that lies below the threshold."""

    label: str
    score: float


class Classifier(Protocol):
    """Names pictures. Keeps no state between calls."""

    classes: tuple[str, ...]

    def classify(self, images: Sequence[Image]) -> list[Classified]:
        """One answer per picture (uint8 BGR).

        Raises:
            EngineError: `image_shape`, `inference_failed`, `output_not_finite`, `output_shape`,
                `output_probabilities`.
        """


def probabilities(values: Scores) -> Scores:
    """(N, classes) as they are, after it was made sure that they are shares."""
    if not sums_to_one(values):
        raise EngineError(
            "output_probabilities",
            "expected probabilities from 0 to 1 that sum to 1, the graph answered "
            f"{values.min():.3g} to {values.max():.3g} with a sum of {values.sum(axis=1).max():.3g}; "
            "graphs without a softmax of their own are of the family classifier-logits",
        )
    return np.clip(values, 0.0, 1.0)


def softmax(values: Scores) -> Scores:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def sums_to_one(values: Scores) -> bool:
    """Do rows (N, classes) look like probabilities?"""
    inside = values.min() >= -SUM_TOLERANCE and values.max() <= 1 + SUM_TOLERANCE
    return bool(inside and np.abs(values.sum(axis=1) - 1).max() <= SUM_TOLERANCE)


READERS: dict[str, Callable[[Scores], Scores]] = {
    "classifier-probabilities": probabilities,
    "classifier-logits": softmax,
}


class OnnxClassifier:
    """A graph, how to feed it, and how its numbers are meant."""

    def __init__(
        self,
        backend: Backend,
        family: str,
        *,
        preprocess: Preprocess,
        input_size: tuple[int, int],
        threshold: float,
        classes: tuple[str, ...],
    ) -> None:
        self.classes = classes
        self._backend = backend
        self._read = READERS[family]
        self._preprocess = preprocess
        self._input_size = input_size
        self._threshold = threshold
        fixed = preprocess.resize is not Resize.FIT
        self._batched = fixed and backend.input.shape[0] is None and tuple(backend.providers) != CPU_ALONE

    def classify(self, images: Sequence[Image]) -> list[Classified]:
        if not images:
            return []
        for image in images:
            check_image(image)
        groups = [images] if self._batched else [[image] for image in images]
        scores = np.concatenate([self._read(self.numbers(group)) for group in groups])
        best = scores.argmax(axis=1)
        return [self._named(row, int(column)) for row, column in zip(scores, best, strict=True)]

    def _named(self, row: Scores, column: int) -> Classified:
        score = float(row[column])
        return Classified(self.classes[column] if score >= self._threshold else "", min(1.0, score))

    def numbers(self, images: Sequence[Image]) -> Scores:
        """What the graph answers, (N, classes), as it stands."""
        places = [
            place(image.shape[1], image.shape[0], self._input_size, self._preprocess.resize)
            for image in images
        ]
        outputs = self._backend.run(to_tensor(images, places, self._preprocess))
        require_finite(outputs)
        return self._rows(outputs, len(images))

    def _rows(self, outputs: Outputs, count: int) -> Scores:
        """Graphs that end with a pooling may answer (N, classes, 1, 1)."""
        shapes = {name: value.shape for name, value in outputs.items()}
        (value, *others) = outputs.values()
        expected = (count, len(self.classes))
        if others or value.shape[:2] != expected or value.size != count * len(self.classes):
            raise EngineError(
                "output_shape",
                f"expected one output of shape {expected}, a number for every class of the side file, the "
                f"graph answered {shapes}",
            )
        return np.asarray(value, np.float32).reshape(expected)
