"""Character error rates on real pictures, per script, with their counts."""

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from inference_workers.contracts.lease import Script
from inference_workers.engine.backends import BackendOptions
from inference_workers.engine.ocr.reader import TextReader, open_reader
from inference_workers.engine.ocr.text import clean

SCRIPTS = {
    "zh": Script.CHINESE,
    "fa": Script.ARABIC,
    "ar": Script.ARABIC,
    "he": Script.HEBREW,
} | dict.fromkeys(("sr", "ru", "be", "bg", "uk"), Script.CYRILLIC)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> TextReader:
    return open_reader(tmp_path_factory.mktemp("data"), BackendOptions(), tesseract_only=False)


def read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert image is not None, path
    return np.asarray(image, np.uint8)


def distance(first: str, second: str) -> int:
    """Levenshtein: insertions, deletions and changes of one letter."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        previous, row = row, [i]
        for j, b in enumerate(second, 1):
            row.append(min(row[-1] + 1, previous[j] + 1, previous[j - 1] + (a != b)))
    return row[-1]


# errors allowed, letters: measured 4/173, 0/4, 3/87, 0/15
WORDS = {
    Script.LATIN: (6, 173),
    Script.CHINESE: (0, 4),
    Script.CYRILLIC: (5, 87),
    Script.ARABIC: (1, 15),
}


def test_single_lines_are_read_in_their_script(shared_data, reader) -> None:
    folder = shared_data / "ocr" / "words"
    errors: Counter[Script] = Counter()
    letters: Counter[Script] = Counter()
    for file, truth in json.loads((folder / "gt.json").read_text()).items():
        script = SCRIPTS.get(truth["lang"], Script.LATIN)
        ((text, _),) = reader._recogniser.read([read(folder / file)], script)
        errors[script] += distance(clean(text), truth["text"])
        letters[script] += len(truth["text"])
    for script, (allowed, count) in WORDS.items():
        assert letters[script] == count
        assert errors[script] <= allowed, f"{script}: {errors[script]} of {count}"


def line_errors(folder: Path, reader: TextReader, languages: set[str]) -> tuple[int, int, int]:
    """Errors, letters and lines: each true line against the nearest line that was read anywhere."""
    errors = letters = lines = 0
    for file, truth in json.loads((folder / "gt.json").read_text()).items():
        if truth["lang"] not in languages or "lines" not in truth:
            continue
        found = reader.read(read(folder / file), (), SCRIPTS.get(truth["lang"], Script.LATIN))
        for line in truth["lines"]:
            errors += min((distance(each.text, line) for each in found), default=len(line))
            letters += len(line)
            lines += 1
    return errors, letters, lines


def test_signs_in_latin_and_chinese_are_found_and_read(shared_data, reader) -> None:
    errors, letters, lines = line_errors(shared_data / "ocr" / "scenes", reader, {"en", "de", "zh"})
    assert (letters, lines) == (791, 33)
    assert errors / letters <= 0.02, f"{errors} of {letters}"


def test_camera_titles_in_cyrillic_and_arabic_are_found_and_read(shared_data, reader) -> None:
    errors, letters, lines = line_errors(
        shared_data / "ocr" / "rtl_overlays", reader, {"ru", "uk", "ar", "he"}
    )
    assert lines == 6
    assert errors / letters <= 0.12, f"{errors} of {letters}"
