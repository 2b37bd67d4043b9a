"""Look-alike letters are one letter when text is searched."""

import pytest

from apps.detections.folding import fold


@pytest.mark.parametrize(
    ("read", "typed"),
    [
        ("А123ВС 77", "a123bc77"),
        ("Х777ХХ", "x777xx"),
        ("O0O", "000"),
        ("EXIT", "exit"),
        ("Номер", "homep"),
        ("ΑΒΕ 123", "ABE-123"),
        ("ＡＢＣ１２", "abc12"),
        ("Straße", "STRASSE"),
        ("出口", "出 口"),
    ],
)
def test_both_sides_fold_to_the_same(read, typed):
    assert fold(read) == fold(typed) != ""


@pytest.mark.parametrize(("one", "other"), [("A123BC", "A123BD"), ("خروج", "دخول"), ("8", "B")])
def test_different_text_stays_different(one, other):
    assert fold(one) != fold(other)


@pytest.mark.parametrize("text", ["", " -_.!", "\x00\u200f"])
def test_nothing_to_search_is_nothing(text):
    assert fold(text) == ""


def test_vowel_signs_stay():
    assert fold("की") != fold("क")
