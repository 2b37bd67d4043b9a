"""Recognising lines in Latin and Chinese: PP-OCR's recogniser, CTC decoding (Graves et al. 2006)."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_workers.engine.backends import OnnxBackend
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Image

HEIGHT_PX = 48
MIN_WIDTH_PX = 320
MAX_WIDTH_PX = 3200
BATCH = 6
BLANK = 0

Read = tuple[str, float]


class PpOcrRecogniser:
    """Stateless; safe in several threads. Never for Cyrillic, Arabic, Hebrew, Devanagari (MODELS 2)."""

    def __init__(self, backend: OnnxBackend) -> None:
        self._backend = backend
        letters = backend.metadata.get("character")
        if not letters:
            raise EngineError("model_input", "text recogniser: expected its characters in the metadata")
        self._letters = np.array(["", *letters.splitlines(), " "])

    def read(self, lines: Sequence[Image]) -> list[Read]:
        """Text and mean score 0..1 of each line picture (uint8 BGR, any size)."""
        read: dict[int, Read] = {}
        by_width = sorted(range(len(lines)), key=lambda i: lines[i].shape[1] / lines[i].shape[0])
        for start in range(0, len(by_width), BATCH):
            group = by_width[start : start + BATCH]
            (answer,) = self._backend.run(_tensor([lines[i] for i in group])).values()
            for i, scores in zip(group, answer, strict=True):
                read[i] = self._decode(scores)
        return [read[i] for i in range(len(lines))]

    def _decode(self, scores: NDArray[np.float32]) -> Read:
        """Scores (steps, letters): best letter per step, repeats and blanks dropped."""
        if scores.shape[1] != len(self._letters) or not np.isfinite(scores).all():
            raise EngineError(
                "output_shape",
                f"text recogniser: expected finite scores for {len(self._letters)} letters, "
                f"got {scores.shape[1]} or NaN",
            )
        best = scores.argmax(axis=1)
        new = np.concatenate([[True], best[1:] != best[:-1]]) & (best != BLANK)
        if not new.any():
            return "", 0.0
        return "".join(self._letters[best[new]]), float(scores.max(axis=1)[new].mean())


def _tensor(lines: Sequence[Image]) -> NDArray[np.float32]:
    widths = [_width(line) for line in lines]
    tensor = np.zeros((len(lines), 3, HEIGHT_PX, max(MIN_WIDTH_PX, *widths)), np.float32)
    for row, (line, width) in enumerate(zip(lines, widths, strict=True)):
        resized = cv2.resize(line, (width, HEIGHT_PX))
        tensor[row, :, :, :width] = resized.transpose(2, 0, 1) / np.float32(127.5) - 1
    return tensor


def _width(line: Image) -> int:
    wide = -(-HEIGHT_PX * line.shape[1] // line.shape[0])
    return min(MAX_WIDTH_PX, max(1, int(wide)))
