"""Files: what slips through the redaction of a hard film, against committed scores.

The film is painted from what installed packages carry (`benchmarks/redaction`), so this needs no other data.
`RECORD_SCORES=1` writes the scores anew; look at what changed before it is committed. The whole comparison is
`make bench-redaction`.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.redaction import sequences
from benchmarks.redaction.covered import covered_mask
from benchmarks.redaction.films import Writer, make_reel, read_film, shape_of
from benchmarks.redaction.score import Score
from benchmarks.redaction.scoring import Redacted, score
from benchmarks.redaction.second_look import Cascade
from benchmarks.redaction.stock import packaged_stock
from benchmarks.redaction.tools import Cover, Covers
from benchmarks.redaction.truth import Truth, ellipse_mask
from benchmarks.redaction.vidette import Vidette

SCORES = Path(__file__).with_name("redaction_scores.json")
SIZE_WH, LENGTH, CRF = (384, 224), 16, 20
SCENES = (sequences.turns, sequences.motion, sequences.hidden, sequences.crowd, sequences.squeezed)


@dataclass(frozen=True)
class Hard:
    path: Path
    truth: Truth


@pytest.fixture(scope="module")
def hard(tmp_path_factory) -> Hard:
    stock = packaged_stock(SIZE_WH, LENGTH)
    scenes = [make(stock, 7 + number) for number, make in enumerate(SCENES)]
    path = tmp_path_factory.mktemp("hard") / "hard.mp4"
    return Hard(path, make_reel(path, scenes, CRF))


def covered_by_truth(hard: Hard, target: Path, grow: float) -> Covers:
    """A film in which every face is painted over, as exactly as the truth says."""
    covers = tuple(
        tuple(Cover(grown(face.box_xyxy, grow), round=False) for face in faces) for faces in hard.truth.frames
    )
    with Writer(target, SIZE_WH, CRF) as writer:
        for image, frame in zip(read_film(hard.path), covers, strict=True):
            image[covered_mask(SIZE_WH, frame)] = 48
            writer.add(image)
    return covers


def grown(box_xyxy: tuple[float, float, float, float], share: float) -> tuple[float, float, float, float]:
    left, top, right, bottom = box_xyxy
    across, down = share * (right - left), share * (bottom - top)
    return left - across, top - down, right + across, bottom + down


def test_a_film_that_was_only_encoded_again_shows_every_face(hard, tmp_path) -> None:
    target = tmp_path / "again.mp4"
    with Writer(target, SIZE_WH, 23) as writer:
        for image in read_film(hard.path):
            writer.add(image)
    found = score(hard.path, hard.truth, Redacted(target, ()), Cascade())
    assert found.faces > 250
    assert found.by_detail >= 0.95 * found.faces
    assert found.by_second_look >= 0.1 * found.faces
    assert found.found == 0


def test_a_film_with_every_face_painted_over_shows_none(hard, tmp_path) -> None:
    target = tmp_path / "painted.mp4"
    covers = covered_by_truth(hard, target, grow=0.1)
    found = score(hard.path, hard.truth, Redacted(target, covers), Cascade())
    assert (found.by_detail, found.by_second_look, found.frontal_after_found) == (0, 0, 0)
    assert found.found == found.faces
    assert found.too_much_share == pytest.approx(0.0, abs=1e-6)
    assert found.same_shape


def test_a_frame_without_covers_after_the_first_is_seen(hard, tmp_path) -> None:
    """One blink of a detector: the faces of frame 10 show, frontal ones of 24 px and more among them."""
    target = tmp_path / "blink.mp4"
    painted = tmp_path / "painted.mp4"
    covers = list(covered_by_truth(hard, painted, grow=0.1))
    shown = next(
        number
        for number, faces in enumerate(hard.truth.frames)
        if number % LENGTH > 5 and sum(face.frontal and face.side_px >= 24 for face in faces) >= 2
    )
    covers[shown] = ()
    with Writer(target, SIZE_WH, CRF) as writer:
        for number, images in enumerate(zip(read_film(hard.path), read_film(painted), strict=True)):
            writer.add(images[number != shown])
    found = score(hard.path, hard.truth, Redacted(target, tuple(covers)), None)
    assert {slip.frame for slip in found.slips} == {shown}
    assert found.frontal_after_found >= 2


def test_another_number_of_frames_is_seen(hard, tmp_path) -> None:
    target = tmp_path / "short.mp4"
    with Writer(target, SIZE_WH, CRF) as writer:
        for number, image in enumerate(read_film(hard.path)):
            if number != 30:
                writer.add(image)
    assert not score(hard.path, hard.truth, Redacted(target, None), None).same_shape


def measured(found: Score) -> dict[str, float]:
    faces, frames = found.faces, found.frames
    return {
        "faces": faces,
        "leaked": found.by_either,
        "frontal_after_found": found.frontal_after_found,
        "found_share": round(found.found / faces, 4),
        "too_much_share": round(found.too_much_share / frames, 4),
    }


def test_no_more_slips_through_than_before(hard, tmp_path) -> None:
    target = tmp_path / "redacted.mp4"
    covers, _ = Vidette(data_dir=tmp_path).watched(hard.path, target)
    found = score(hard.path, hard.truth, Redacted(target, covers), Cascade())
    now = measured(found)
    if os.environ.get("RECORD_SCORES"):
        SCORES.write_text(json.dumps(now, indent=2) + "\n")
    before = json.loads(SCORES.read_text())
    assert found.same_shape
    assert shape_of(target).frames == len(hard.truth.frames)
    assert now["faces"] == pytest.approx(before["faces"], abs=3)
    assert now["leaked"] <= before["leaked"] + max(3, 0.1 * before["leaked"])
    assert now["frontal_after_found"] <= before["frontal_after_found"]
    assert now["found_share"] >= before["found_share"] - 0.01
    assert now["too_much_share"] <= before["too_much_share"] + 0.01


def test_the_truth_says_which_pixels_are_whose(hard) -> None:
    """A face behind another head or a pillar is known, and its pixels are not those of what hides it."""
    hidden = 0
    for number, frame in enumerate(hard.truth.frames):
        for face in frame:
            whole = ellipse_mask(SIZE_WH, face.box_xyxy).sum()
            seen = hard.truth.seen(number, face).sum()
            assert seen <= whole * min(1.0, face.visible + 0.15)
            hidden += face.visible < 0.5 and seen < 0.6 * whole
    assert hidden >= 5
