"""Recognisers that the user brings: easyocr and paddleocr, each with its own weights (MODELS 4).

Neither is installed with Vidette: they are gigabytes, and they install different `cv2` wheels. They are
chosen by VIDETTE_OCR_BACKEND and read the lines that PP-OCR finds. Both are told never to download.
"""

import importlib
import importlib.util
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from inference_workers.contracts.lease import Script
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Image

EASYOCR_LANGUAGES = {
    Script.LATIN: ["en"],
    Script.CHINESE: ["ch_sim", "en"],
    Script.CYRILLIC: ["ru", "en"],
    Script.ARABIC: ["ar", "en"],
    Script.DEVANAGARI: ["hi", "en"],
}
PADDLE_MODELS = {
    Script.LATIN: "latin_PP-OCRv5_mobile_rec",
    Script.CHINESE: "PP-OCRv5_mobile_rec",
    Script.CYRILLIC: "eslav_PP-OCRv5_mobile_rec",
    Script.ARABIC: "arabic_PP-OCRv5_mobile_rec",
    Script.DEVANAGARI: "devanagari_PP-OCRv5_mobile_rec",
}


class Recogniser(Protocol):
    def read(self, lines: Sequence[Image], script: Script) -> list[tuple[str, float]]:
        """Text and score 0..1 per line picture."""


class _PerThread:
    """One engine per thread and script: neither library promises more."""

    def __init__(self, make: Callable[[Script], Any]) -> None:
        self._make = make
        self._local = threading.local()

    def __call__(self, script: Script) -> Any:
        engines: dict[Script, Any] = self._local.__dict__.setdefault("engines", {})
        if script not in engines:
            engines[script] = self._make(script)
        return engines[script]


class EasyOcrRecogniser:
    """easyocr with the weights in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._module = _require_package("easyocr", "pip install easyocr (with torch, in its own environment)")
        self._folder = _require_folder(folder, "easyocr's weights (*.pth)")
        self._engines = _PerThread(self._open)

    def _open(self, script: Script) -> Any:
        languages = EASYOCR_LANGUAGES.get(script)
        if languages is None:
            raise _unsupported("easyocr", script)
        try:
            return self._module.Reader(
                languages,
                gpu=False,
                detector=False,
                download_enabled=False,
                model_storage_directory=str(self._folder),
                user_network_directory=str(self._folder / "networks"),
                verbose=False,
            )
        except FileNotFoundError as error:
            raise EngineError(
                "ocr_weights_missing", f"easyocr: {error}; put the weights into {self._folder}"
            ) from error

    def read(self, lines: Sequence[Image], script: Script) -> list[tuple[str, float]]:
        engine = self._engines(script)
        return [self._read_line(engine, line) for line in lines]

    def _read_line(self, engine: Any, line: Image) -> tuple[str, float]:
        grey = cv2.cvtColor(line, cv2.COLOR_BGR2GRAY)
        height, width = grey.shape[:2]
        found = engine.recognize(grey, horizontal_list=[[0, width, 0, height]], free_list=[], detail=1)
        if not found:
            return "", 0.0
        return " ".join(part[1] for part in found), float(np.mean([part[2] for part in found]))


class PaddleOcrRecogniser:
    """paddleocr's recogniser, one folder of weights per script below `folder`, named as the model."""

    def __init__(self, folder: Path) -> None:
        how = "pip install paddlepaddle paddleocr (in its own environment)"
        self._module = _require_package("paddleocr", how)
        self._folder = _require_folder(folder, "a folder per model")
        self._engines = _PerThread(self._open)

    def _open(self, script: Script) -> Any:
        name = PADDLE_MODELS.get(script)
        if name is None:
            raise _unsupported("paddleocr", script)
        weights = _require_folder(self._folder / name, f"the weights of {name}")
        return self._module.TextRecognition(model_name=name, model_dir=str(weights))

    def read(self, lines: Sequence[Image], script: Script) -> list[tuple[str, float]]:
        answers = self._engines(script).predict(input=list(lines), batch_size=len(lines))
        return [(str(answer["rec_text"]), float(answer["rec_score"])) for answer in answers]


def open_optional(backend: str, data_dir: Path) -> Recogniser:
    """`backend`: "easyocr" or "paddleocr". Weights lie in `data_dir`/ocr/BACKEND.

    Raises:
        EngineError: `ocr_package_missing`, `ocr_weights_missing`.
    """
    makers: dict[str, Callable[[Path], Recogniser]] = {
        "easyocr": EasyOcrRecogniser,
        "paddleocr": PaddleOcrRecogniser,
    }
    return makers[backend](data_dir / "ocr" / backend)


def _require_package(name: str, how: str) -> Any:
    if importlib.util.find_spec(name) is None:
        raise EngineError(
            "ocr_package_missing",
            f"VIDETTE_OCR_BACKEND asks for {name}, and that package is not installed: {how}, "
            "or set VIDETTE_OCR_BACKEND=builtin",
        )
    return importlib.import_module(name)


def _require_folder(folder: Path, what: str) -> Path:
    if not folder.is_dir() or not any(folder.iterdir()):
        raise EngineError("ocr_weights_missing", f"expected {what} in {folder}, there is nothing")
    return folder


def _unsupported(backend: str, script: Script) -> EngineError:
    return EngineError(
        "language_missing", f"{backend} cannot read {script}; set VIDETTE_OCR_BACKEND=builtin for it"
    )
