"""Files: what slips through on the shared clips and hard sequences, seen with YuNet at 1x and 2x.

The whole comparison with its figures is `make bench-redaction`; this is the part that must never get worse.
"""

from pathlib import Path

import pytest

from benchmarks.redaction import sequences
from benchmarks.redaction.clips import LABELLED, open_clip
from benchmarks.redaction.films import make_film
from benchmarks.redaction.score import Score
from benchmarks.redaction.scoring import Redacted, score
from benchmarks.redaction.second_look import SecondLook
from benchmarks.redaction.stock import shared_stock
from benchmarks.redaction.truth import Truth
from benchmarks.redaction.vidette import Vidette

SIZE_WH, LENGTH = (640, 352), 30
# Leaked face-frames at most, of those in the sequence.
MOST_LEAKED = {sequences.crowd: 0.10, sequences.cuts: 0.05}


@pytest.fixture(scope="module")
def look(shared_data) -> SecondLook:
    return SecondLook(shared_data)


def redacted(path: Path, truth: Truth, folder: Path, look: SecondLook) -> Score:
    target = folder / "redacted.mp4"
    covers, _ = Vidette(data_dir=folder).watched(path, target)
    return score(path, truth, Redacted(target, covers), look)


@pytest.mark.parametrize("name", LABELLED)
def test_nobody_in_a_labelled_clip_is_found_again(shared_data, look, tmp_path, name) -> None:
    """deface leaves 12 of 70 and 170 of 180 to be found."""
    clip = open_clip(shared_data, name, look)
    found = redacted(clip.path, clip.truth, tmp_path, look)
    assert found.faces == {"cam07": 70, "cam13": 180}[name]
    assert (found.by_detail, found.by_second_look) == (0, 0)
    assert found.found == found.faces
    assert found.same_shape


@pytest.mark.parametrize("make", MOST_LEAKED)
def test_few_slip_through_a_hard_sequence(shared_data, look, tmp_path, make) -> None:
    scene = make(shared_stock(shared_data, SIZE_WH, LENGTH), 20)
    path, truth = make_film(scene, tmp_path)
    found = redacted(path, truth, tmp_path, look)
    assert found.by_either <= MOST_LEAKED[make] * found.faces, f"{found.by_either} of {found.faces}"
    assert found.frontal_after_found == 0
    assert found.same_shape
