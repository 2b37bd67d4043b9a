"""Readings: several reads of a line become one, and hostile text stays text."""

import pytest

from inference_workers.contracts.frames import Found
from inference_workers.contracts.lease import Lease, ModelRef, Script, Source, SourceKind
from inference_workers.engine.readings import ReadingBook, fold, tidy

MODEL = ModelRef("v1", "pp-ocr", "pp-ocr", "0" * 64)
BOX = (0.1, 0.1, 0.3, 0.2)


@pytest.fixture
def lease():
    source = Source(SourceKind.SYNTHETIC, "lobby")
    return Lease("lease-1", "camera-1", "Lobby", "UTC", 0.0, 1e9, 1, source, (), script=Script.CYRILLIC)


@pytest.fixture
def read(lease):
    """`read(at, text, score, box, zone)` gives the texts that were told."""
    book = ReadingBook("camera-1", "epoch-1")

    def read_line(at, text, score=0.8, box=BOX, zone_id=None):
        found = Found(box, score, "text", text, None, zone_id)
        return book.add(round(at * 5), at, [found], MODEL, lease)

    return read_line


def _texts(results):
    return [result.text for result in results]


def test_two_reads_that_agree_are_told_once(read):
    assert _texts(read(0, "EXIT 4")) == []
    assert _texts(read(1, "exit 4")) in (["EXIT 4"], ["exit 4"])
    assert _texts(read(2, "EXIT 4")) == []


def test_a_sure_read_is_told_at_once(read):
    (result,) = read(0, "EXIT", 0.97)
    assert (result.text, result.confidence, result.read_at) == ("EXIT", 0.97, 0)
    assert result.script == Script.CYRILLIC
    assert result.lease_id == "lease-1"


def test_the_identifier_is_the_same_for_the_same_read(lease):
    found = [Found(BOX, 0.99, "text", "EXIT")]
    first, second = (ReadingBook("camera-1", "epoch-1").add(3, 1.0, found, MODEL, lease)[0] for _ in range(2))
    assert first.reading_id == second.reading_id
    other = ReadingBook("camera-1", "epoch-2").add(3, 1.0, found, MODEL, lease)[0]
    assert other.reading_id != first.reading_id


def test_an_unsure_or_empty_read_is_nothing(read):
    for at in range(5):
        assert read(at, "MURMUR", 0.3) == []
        assert read(at, " \u200f ", 0.99, (0.5, 0.5, 0.6, 0.6)) == []


def test_the_majority_wins_over_a_misread(read):
    told = []
    for at, text in enumerate(["A123BC", "A1Z3BC", "A123BC", "A123BC"]):
        told += _texts(read(at, text))
    assert told == ["A123BC"]


def test_look_alike_letters_agree(read):
    assert read(0, "А123ВС") == []  # Cyrillic
    assert len(read(1, "A123BC")) == 1  # Latin
    assert fold("А123ВС 77") == fold("A123BC-77")


def test_another_text_in_the_same_place_is_told(read):
    told = []
    for at, text in enumerate(["AB1"] * 5 + ["CD2"] * 4):
        told += _texts(read(at, text))
    assert told == ["AB1", "CD2"]


def test_a_text_that_moves_is_one_reading(read):
    told = []
    for step in range(8):
        left = 0.1 * step
        told += _texts(read(step, "AB123", 0.95, (left, 0.1, left + 0.05, 0.2)))
    assert told == ["AB123"]


def test_it_is_told_again_only_after_it_was_gone(read):
    assert len(read(0, "EXIT", 0.99)) == 1
    assert read(50, "EXIT", 0.99) == []
    assert len(read(120, "EXIT", 0.99)) == 1


def test_zones_keep_their_own_readings(read):
    assert len(read(0, "EXIT", 0.99, BOX, "zone-1")) == 1
    assert len(read(0, "EXIT", 0.99, BOX, "zone-2")) == 1


def test_hostile_text_is_cleaned_of_what_cannot_be_printed():
    assert tidy("\u202eevil\x00\n<b>  x\u2069") == "evil <b> x"
    assert len(tidy("a" * 9999)) == 200
    assert tidy("שלום\u200f") == "שלום"
