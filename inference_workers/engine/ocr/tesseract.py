"""Recognising lines through Tesseract in this process: 5 to 12 ms per line."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inference_workers.contracts.lease import Script
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Image
from inference_workers.engine.ocr.languages import languages_for

# Read by libtesseract when it is loaded: its own threads only slow down a single line.
os.environ.setdefault("OMP_THREAD_LIMIT", "1")

import tesserocr

LINE_HEIGHT_PX = 48
BORDER_PX = 12


class TesseractRecogniser:
    """One Tesseract object per thread and language: it keeps the picture and cannot be shared."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._local = threading.local()

    def read(self, lines: Sequence[Image], script: Script) -> list[tuple[str, float]]:
        """Text in logical order and score 0..1 of each line picture (uint8 BGR).

        Raises:
            EngineError: `language_missing`.
        """
        engine = self._engine(languages_for(script, self._folder))
        return [_read_line(engine, line) for line in lines]

    def _engine(self, languages: str) -> Any:
        engines: dict[str, Any] = self._local.__dict__.setdefault("engines", {})
        if languages not in engines:
            try:
                engines[languages] = tesserocr.PyTessBaseAPI(
                    path=str(self._folder), lang=languages, psm=tesserocr.PSM.SINGLE_LINE
                )
            except RuntimeError as error:
                raise EngineError(
                    "language_missing", f"Tesseract could not load {languages} from {self._folder}: {error}"
                ) from error
        return engines[languages]


def _read_line(engine: Any, line: Image) -> tuple[str, float]:
    prepared = prepare(line)
    height, width = prepared.shape
    engine.SetImageBytes(prepared.tobytes(), width, height, 1, width)
    engine.SetSourceResolution(150)  # else it guesses, and complains on standard error
    text = engine.GetUTF8Text()
    words = engine.AllWordConfidences()
    return text, float(np.mean(words)) / 100 if words else 0.0


def prepare(line: Image) -> Image:
    """Grey, dark on light, of the height that the networks were trained for, with a quiet border."""
    grey = np.asarray(cv2.cvtColor(line, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    if _is_light_on_dark(grey):
        grey = 255 - grey
    ratio = LINE_HEIGHT_PX / grey.shape[0]
    size = (min(4000, max(1, round(grey.shape[1] * ratio))), LINE_HEIGHT_PX)
    mode = cv2.INTER_CUBIC if ratio > 1 else cv2.INTER_AREA
    grey = np.asarray(cv2.resize(grey, size, interpolation=mode), dtype=np.uint8)
    return np.pad(grey, BORDER_PX, constant_values=np.uint8(np.percentile(grey, 90)))


def _is_light_on_dark(grey: Image) -> bool:
    """Letters cover less than half of a line: the larger part after Otsu's threshold is the paper."""
    level, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return float(np.mean(grey > level)) < 0.5
