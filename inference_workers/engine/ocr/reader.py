"""The reading stage: find lines in the regions of a picture, recognise each in its region's script."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from inference_workers.contracts.frames import Region
from inference_workers.contracts.lease import Script
from inference_workers.engine.backends import BackendOptions
from inference_workers.engine.detectors.base import check_image
from inference_workers.engine.frame import Image
from inference_workers.engine.ocr import text_models
from inference_workers.engine.ocr.languages import tessdata_folder
from inference_workers.engine.ocr.lines import LineFinder, Quad, cut_line
from inference_workers.engine.ocr.optional import Recogniser, open_optional
from inference_workers.engine.ocr.pp_ocr import PpOcrRecogniser
from inference_workers.engine.ocr.text import clean

PP_OCR_SCRIPTS = frozenset({Script.LATIN, Script.CHINESE})
MIN_SCORE = 0.3
WHOLE_PICTURE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line. `quad` and `box_xyxy` are pixels of the picture; `text` is in logical order."""

    text: str
    score: float
    script: Script
    quad: tuple[tuple[float, float], ...]
    box_xyxy: tuple[float, float, float, float]
    zone_id: str | None = None


class Recognisers:
    """Chooses by script, never by score: Latin look-alikes of Cyrillic come with high scores (MODELS 2).

    Tesseract is opened when its first line comes: a machine without its data can still read Latin.
    """

    def __init__(self, pp_ocr: PpOcrRecogniser | None, data_dir: Path) -> None:
        self._pp_ocr = pp_ocr
        self._data_dir = data_dir
        self._tesseract: Recogniser | None = None

    def read(self, lines: Sequence[Image], script: Script) -> list[tuple[str, float]]:
        if self._pp_ocr is not None and script in PP_OCR_SCRIPTS:
            return self._pp_ocr.read(lines)
        if self._tesseract is None:
            # Deferred: loading libtesseract costs memory that a Latin-only machine need not spend.
            from inference_workers.engine.ocr.tesseract import TesseractRecogniser

            self._tesseract = TesseractRecogniser(tessdata_folder(self._data_dir))
        return self._tesseract.read(lines, script)


class TextReader:
    """Reads text in regions. Keeps no state between calls."""

    def __init__(self, finder: LineFinder, recogniser: Recogniser) -> None:
        self._finder = finder
        self._recogniser = recogniser

    def read(self, image: Image, regions: Sequence[Region], script: Script | None = None) -> list[TextLine]:
        """Lines in the regions, or in the whole picture when there are none and `script` is given.

        Raises:
            EngineError: `image_shape`, `language_missing`, `tessdata_missing`, `inference_failed`.
        """
        check_image(image)
        if not regions and script is not None:
            regions = (Region(WHOLE_PICTURE, script),)
        return [line for region in regions for line in self._read_region(image, region)]

    def find(self, image: Image) -> list[tuple[float, float, float, float]]:
        """Where text is, in any script, as boxes (left, top, right, bottom) in pixels; nothing is read."""
        check_image(image)
        return [_box(quad) for quad in self._finder.find(image)]

    def _read_region(self, image: Image, region: Region) -> list[TextLine]:
        polygon = _polygon_px(region, image)
        left, top, right, bottom = _bounds(polygon, image)
        part = np.ascontiguousarray(image[top:bottom, left:right])
        if not part.size:
            return []
        found = [quad + np.array([left, top], np.float32) for quad in self._finder.find(part)]
        quads = [quad for quad in found if _is_inside(quad, polygon)]
        if not quads:
            return []
        read = self._recogniser.read([cut_line(image, quad) for quad in quads], region.script)
        return [
            _line(text, score, quad, region)
            for (raw, score), quad in zip(read, quads, strict=True)
            if score >= MIN_SCORE and (text := clean(raw))
        ]


def open_reader(
    data_dir: Path, options: BackendOptions, *, tesseract_only: bool, backend: str = "builtin"
) -> TextReader:
    """Raises EngineError when a model, language data or the package of `backend` is missing."""
    finder = LineFinder(text_models.open_finder(options))
    if backend != "builtin":
        return TextReader(finder, open_optional(backend, data_dir))
    if tesseract_only:
        tessdata_folder(data_dir)
    pp_ocr = None if tesseract_only else PpOcrRecogniser(text_models.open_recogniser(options))
    return TextReader(finder, Recognisers(pp_ocr, data_dir))


def _line(text: str, score: float, quad: Quad, region: Region) -> TextLine:
    corners = tuple((float(x), float(y)) for x, y in quad)
    return TextLine(text, min(1.0, score), region.script, corners, _box(quad), region.zone_id)


def _box(quad: Quad) -> tuple[float, float, float, float]:
    left, top = quad.min(axis=0).tolist()
    right, bottom = quad.max(axis=0).tolist()
    return left, top, right, bottom


def _polygon_px(region: Region, image: Image) -> Quad:
    height, width = image.shape[:2]
    return np.array(region.polygon, dtype=np.float32).reshape(-1, 2) * np.array([width, height], np.float32)


def _bounds(polygon: Quad, image: Image) -> tuple[int, int, int, int]:
    height, width = image.shape[:2]
    if len(polygon) < 3:
        return 0, 0, 0, 0
    left, top = np.clip(np.floor(polygon.min(axis=0)), 0, (width, height)).astype(int).tolist()
    right, bottom = np.clip(np.ceil(polygon.max(axis=0)), 0, (width, height)).astype(int).tolist()
    return left, top, right, bottom


def _is_inside(quad: Quad, polygon: Quad) -> bool:
    x, y = quad.mean(axis=0).tolist()
    return bool(cv2.pointPolygonTest(polygon.reshape(-1, 1, 2), (x, y), False) >= 0)
