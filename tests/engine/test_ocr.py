"""Reading: scripts go to the recogniser that can read them, text comes out clean and in logical order."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from inference_workers.contracts.frames import Region
from inference_workers.contracts.lease import Script
from inference_workers.engine.backends import BackendOptions
from inference_workers.engine.errors import EngineError
from inference_workers.engine.ocr import languages, optional
from inference_workers.engine.ocr.lines import cut_line
from inference_workers.engine.ocr.pp_ocr import PpOcrRecogniser
from inference_workers.engine.ocr.reader import Recognisers, TextReader, open_reader
from inference_workers.engine.ocr.tesseract import BORDER_PX, LINE_HEIGHT_PX, prepare
from inference_workers.engine.ocr.text import clean

WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
DEJAVU = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
# Draws letter after letter: the test decides about the order, not the drawing library.
FONT = ImageFont.truetype(DEJAVU, 40, layout_engine=ImageFont.Layout.BASIC)


def sign(text: str, *, dark: bool = False, size: tuple[int, int] = (640, 160)) -> np.ndarray:
    paper, ink = ((30, 30, 30), (240, 240, 240)) if dark else ((235, 235, 235), (20, 20, 20))
    picture = Pillow.new("RGB", size, paper)
    ImageDraw.Draw(picture).text((40, 50), text, font=FONT, fill=ink)
    return np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> TextReader:
    return open_reader(tmp_path_factory.mktemp("data"), BackendOptions(), tesseract_only=False)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("PLATFORM 12", Script.LATIN),
        ("Выход на улицу", Script.CYRILLIC),
        ("כניסה ראשית", Script.HEBREW),
    ],
)
@pytest.mark.parametrize("dark", [False, True])
def test_it_reads_a_sign_in_its_script_on_light_and_on_dark(reader, text, script, dark) -> None:
    shown = text[::-1] if script is Script.HEBREW else text
    lines = reader.read(sign(shown, dark=dark), [Region(WHOLE, script, "z1")])
    assert [line.text for line in lines] == [text]
    assert lines[0].zone_id == "z1"
    left, top, right, bottom = lines[0].box_xyxy
    assert left == pytest.approx(40, abs=15)
    assert top < 75 < bottom
    assert right > 250


def test_only_lines_in_the_region_are_read(reader) -> None:
    picture = np.concatenate([sign("ABOVE 11"), sign("BELOW 22")])
    below = ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))
    assert [line.text for line in reader.read(picture, [Region(below, Script.LATIN)])] == ["BELOW 22"]


def test_lines_come_from_top_to_bottom(reader) -> None:
    picture = np.concatenate([sign("FIRST"), sign("SECOND"), sign("THIRD")])
    found = reader.read(picture, (), Script.LATIN)
    assert [line.text for line in found] == ["FIRST", "SECOND", "THIRD"]


@pytest.mark.parametrize(
    "polygon", [(), ((0.1, 0.1),), ((0.5, 0.5), (0.5, 0.5), (0.5, 0.5)), ((2.0, 2.0), (3.0, 2.0), (3.0, 3.0))]
)
def test_an_empty_region_reads_nothing(reader, polygon) -> None:
    assert reader.read(sign("HELLO"), [Region(polygon, Script.LATIN)]) == []


def test_an_empty_picture_reads_nothing(reader) -> None:
    assert reader.read(np.full((200, 300, 3), 128, np.uint8), (), Script.CYRILLIC) == []


class Spy:
    def __init__(self) -> None:
        self.asked: list[Script] = []

    def read(self, lines, script=None):
        self.asked.append(script)
        return [("text", 1.0)] * len(lines)


@pytest.mark.parametrize("script", [*Script])
def test_the_latin_recogniser_never_sees_another_alphabet(script, tmp_path) -> None:
    """It answers Latin look-alikes for Cyrillic with high scores."""
    pp_ocr, tesseract = Spy(), Spy()
    recognisers = Recognisers(pp_ocr, tmp_path)
    recognisers._tesseract = tesseract
    recognisers.read([sign("x")], script)
    assert bool(pp_ocr.asked) == (script in (Script.LATIN, Script.CHINESE))
    assert bool(tesseract.asked) != bool(pp_ocr.asked)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("  two \n words\t", "two words"),
        ("\u200f\u202bשלום\u202c\u200e", "שלום"),
        ("cafe\u0301", "café"),
        ("a\x00b\x1b[31m", "a b [31m"),
        ("=HYPERLINK(1)", "=HYPERLINK(1)"),
        ("x" * 900, "x" * 500),
        ("\n", ""),
    ],
)
def test_text_is_cleaned_but_not_rewritten(raw, kept) -> None:
    assert clean(raw) == kept


def test_ctc_drops_repeats_and_blanks() -> None:
    class Backend:
        metadata = {"character": "a\nb\nc"}

    recogniser = PpOcrRecogniser(Backend())
    scores = np.zeros((6, 5), np.float32)
    for step, letter in enumerate([1, 1, 0, 1, 3, 4]):  # a a - a c space
        scores[step, letter] = 0.5
    assert recogniser._decode(scores) == ("aac ", pytest.approx(0.5))
    with pytest.raises(EngineError, match="for 5 letters, got 9"):
        recogniser._decode(np.zeros((6, 9), np.float32))


def test_a_line_is_cut_out_upright() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[20:40, 10:90] = 255
    quad = np.array([[10, 20], [90, 20], [90, 40], [10, 40]], np.float32)
    assert cut_line(picture, quad).shape == (20, 80, 3)
    assert cut_line(picture, quad).mean() > 230
    tall = np.array([[10, 5], [30, 5], [30, 95], [10, 95]], np.float32)
    assert cut_line(picture, tall).shape == (20, 90, 3)


def test_lines_are_prepared_dark_on_light_with_a_border() -> None:
    light_on_dark = np.full((20, 200, 3), 10, np.uint8)
    cv2.putText(light_on_dark, "12", (10, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 2)
    prepared = prepare(light_on_dark)
    assert prepared.shape[0] == LINE_HEIGHT_PX + 2 * BORDER_PX
    assert np.median(prepared) > 200


def test_missing_language_data_says_what_to_install(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    (tmp_path / "eng.traineddata").write_bytes(b"x")
    assert languages.tessdata_folder(tmp_path / "data") == tmp_path
    with pytest.raises(EngineError, match="apt-get install tesseract-ocr-rus") as caught:
        languages.languages_for(Script.CYRILLIC, tmp_path)
    assert caught.value.code == "language_missing"


def test_no_language_data_at_all_is_an_error_in_words(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("TESSDATA_PREFIX", raising=False)
    monkeypatch.setattr(languages, "_DEBIAN", f"{tmp_path}/none/*/tessdata")
    with pytest.raises(EngineError, match="TESSDATA_PREFIX"):
        languages.tessdata_folder(tmp_path)


def test_broken_language_data_is_an_error_in_words(tmp_path, monkeypatch, capfd) -> None:
    from inference_workers.engine.ocr.tesseract import TesseractRecogniser

    (tmp_path / "rus.traineddata").write_bytes(b"mallory")
    with pytest.raises(EngineError, match="could not load rus"):
        TesseractRecogniser(tmp_path).read([sign("x")], Script.CYRILLIC)


@pytest.mark.parametrize("backend", ["easyocr", "paddleocr"])
def test_an_optional_backend_that_is_not_installed_says_so(backend, tmp_path) -> None:
    assert importlib.util.find_spec(backend) is None, f"{backend} must not be in this environment"
    with pytest.raises(EngineError, match=f"asks for {backend}, and that package is not installed") as caught:
        open_reader(tmp_path, BackendOptions(), tesseract_only=False, backend=backend)
    assert caught.value.code == "ocr_package_missing"


class _Easy:
    """Stands in for the package easyocr: refuses to download, then reads."""

    class Reader:
        def __init__(self, languages, *, download_enabled, model_storage_directory, **_):
            assert download_enabled is False
            if not (Path(model_storage_directory) / "cyrillic_g2.pth").exists():
                raise FileNotFoundError("Missing cyrillic_g2.pth and downloads disabled")

        def recognize(self, grey, *, horizontal_list, **_):
            assert horizontal_list == [[0, grey.shape[1], 0, grey.shape[0]]]
            return [([], "два", 0.9), ([], "слова", 0.7)]


def test_easyocr_reads_with_brought_weights_only(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(optional, "_require_package", lambda name, how: _Easy)
    folder = tmp_path / "ocr" / "easyocr"
    with pytest.raises(EngineError) as caught:
        optional.open_optional("easyocr", tmp_path)
    assert caught.value.code == "ocr_weights_missing"
    folder.mkdir(parents=True)
    (folder / "other.pth").write_bytes(b"x")
    recogniser = optional.open_optional("easyocr", tmp_path)
    with pytest.raises(EngineError, match="downloads disabled"):
        recogniser.read([sign("x")], Script.CYRILLIC)
    (folder / "cyrillic_g2.pth").write_bytes(b"x")
    assert recogniser.read([sign("x")], Script.CYRILLIC) == [("два слова", pytest.approx(0.8))]
    with pytest.raises(EngineError, match="cannot read hebrew"):
        recogniser.read([sign("x")], Script.HEBREW)


class _Paddle:
    class TextRecognition:
        def __init__(self, *, model_name, model_dir):
            assert Path(model_dir).name == model_name

        def predict(self, *, input, batch_size):
            return [{"rec_text": "text", "rec_score": 0.5}] * batch_size


def test_paddleocr_reads_with_brought_weights_only(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(optional, "_require_package", lambda name, how: _Paddle)
    folder = tmp_path / "ocr" / "paddleocr"
    folder.mkdir(parents=True)
    (folder / "note").write_text("x")
    recogniser = optional.open_optional("paddleocr", tmp_path)
    with pytest.raises(EngineError, match="weights of latin_PP-OCRv5_mobile_rec"):
        recogniser.read([sign("x")], Script.LATIN)
    weights = folder / "latin_PP-OCRv5_mobile_rec"
    weights.mkdir()
    (weights / "inference.yml").write_text("x")
    assert recogniser.read([sign("x")] * 2, Script.LATIN) == [("text", 0.5)] * 2
