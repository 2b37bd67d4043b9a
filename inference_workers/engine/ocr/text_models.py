"""The text models inside the rapidocr wheel, pinned by hash."""

import hashlib
import importlib.util
from pathlib import Path

from inference_workers.engine.backends import BackendOptions, OnnxBackend, open_backend
from inference_workers.engine.errors import EngineError
from inference_workers.engine.onnx_files import read_checked

FINDER = ("PP-OCRv6_det_small.onnx", "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f")
RECOGNISER = ("PP-OCRv6_rec_small.onnx", "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884")


def combined_sha256() -> str:
    """Identity of the pair. Raises EngineError `model_missing` when the wheel is not installed."""
    _folder()
    return hashlib.sha256(f"{FINDER[1]} {RECOGNISER[1]}".encode()).hexdigest()


def open_finder(options: BackendOptions) -> OnnxBackend:
    return open_backend(read_checked(_folder() / FINDER[0], FINDER[1]), FINDER[0], options)


def open_recogniser(options: BackendOptions) -> OnnxBackend:
    return open_backend(read_checked(_folder() / RECOGNISER[0], RECOGNISER[1]), RECOGNISER[0], options)


def _folder() -> Path:
    found = importlib.util.find_spec("rapidocr")
    folder = Path(found.origin).parent / "models" if found and found.origin else None
    if folder is None or not (folder / FINDER[0]).is_file() or not (folder / RECOGNISER[0]).is_file():
        raise EngineError("model_missing", "the package rapidocr 3.10.0 with its models is not installed")
    return folder
