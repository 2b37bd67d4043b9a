"""The statistics of the guards, against values that are known."""

import math

import pytest

from apps.rollouts import figures

pytestmark = pytest.mark.database_neutral


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ((0, 0, 0), 0.95, None),
        ((10, 0, 0), 0.5, 5.0),
        ((10, 10, 0), 0.95, 19.0),
        ((0, 0, 5), 0.95, 20.0),
        ((90, 10, 0), 0.9, 10.0),
    ],
)
def test_quantile_of_a_histogram(counts, share, expected):
    assert figures.quantile(counts, (10.0, 20.0), share) == expected


def test_psi_is_nothing_for_equal_shares_and_grows_with_the_shift():
    assert figures.psi((100, 200, 300), (100, 200, 300)) == 0
    assert figures.psi((10, 20, 30), (1000, 2000, 3000)) == pytest.approx(0, abs=0.01)
    little, much = figures.psi((100, 100), (110, 90)), figures.psi((100, 100), (190, 10))
    assert 0 < little < 0.1 < 0.25 < much
    assert figures.psi((0, 0), (1, 2)) is None


def test_psi_against_the_formula():
    p, q = (60.5 / 101, 40.5 / 101), (30.5 / 101, 70.5 / 101)
    expected = sum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True))
    assert figures.psi((60, 40), (30, 70)) == pytest.approx(expected)


def test_ks_says_in_which_direction():
    assert figures.ks((0, 10, 0), (0, 10, 0)) == (0, 0)
    assert figures.ks((0, 0, 10), (10, 0, 0)) == (1, 0)
    assert figures.ks((10, 0, 0), (0, 5, 5)) == (0, 1)
    assert figures.ks((5, 5, 0, 0), (0, 5, 5, 0)) == (0, pytest.approx(0.5))
    assert figures.ks((), ()) is None


def test_a_class_that_vanished_is_found_and_a_rare_one_is_not():
    base = {"person": 300, "car": 100, "hat": 3}
    assert figures.class_lost(base, {"person": 310, "car": 1}, least_finds=20, least_share=0.05, more=5) == (
        "car",
        pytest.approx(105 / 6),
    )
    assert figures.class_lost({"hat": 3}, {}, least_finds=20, least_share=0.05, more=5) is None


@pytest.mark.parametrize(("counts", "expected"), [((10, 0, 0), 0), ((0, 4, 5), 1), ((5, 5, 5), 0.5)])
def test_disagreement(counts, expected):
    assert figures.disagreement(*counts) == pytest.approx(expected)


def test_disagreement_of_nothing_is_unknown():
    assert figures.disagreement(0, 0, 0) is None


@pytest.mark.parametrize(
    ("share", "difference", "expected"),
    # Fleiss, Levin, Paik: tables of sample sizes per group at 5 % and 80 %.
    [(0.1, 0.1, 199), (0.5, 0.1, 388), (0.1, 0.05, 686)],
)
def test_sample_size_of_two_proportions(share, difference, expected):
    assert figures.sample_size(share, difference) == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(("share", "difference"), [(0, 0.1), (0.5, 0), (0.9, 0.2)])
def test_a_question_without_an_answer_has_no_sample_size(share, difference):
    with pytest.raises(ValueError, match="expected two different shares"):
        figures.sample_size(share, difference)


def test_two_shares_are_told_apart_when_they_differ():
    assert figures.shares_differ(50, 500, 50, 500) == pytest.approx(1)
    assert figures.shares_differ(50, 500, 100, 500) < 0.001
    assert figures.shares_differ(0, 0, 1, 2) is None
