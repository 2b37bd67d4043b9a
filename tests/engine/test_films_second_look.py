"""The leak meter of files: a planted leak is found and named, what somebody chose to show is none."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from inference_workers.contracts.redactions import EditKind, RedactionEdit
from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.checking import SECOND_LOOK_EVERY_S, moments_of
from inference_workers.engine.films.film import AFTER_ALL, BEFORE_ALL, Film, Segment
from inference_workers.engine.films.probing import probe
from tests.engine.film_parts import WIDTH, Case, write_film

EVERYWHERE = frozenset(range(WIDTH))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("films") / "walk.mp4")


def test_a_covered_film_has_no_leak(tmp_path: Path, film: Path) -> None:
    case = Case(tmp_path, film)
    case.analyse()
    summary = case.finish().summary
    assert summary is not None
    assert (summary.looked_again, summary.leaky, summary.leaks_at_s) == (1, 0, ())
    assert case.report()["second_look"] == {"frames": 1, "leaky": 0, "per_10000": 0.0, "leaks": []}


def test_a_planted_leak_is_told_with_its_moment(tmp_path: Path, film: Path) -> None:
    """Whoever looked first saw nobody in the whole film."""
    case = Case(tmp_path, film, blind=EVERYWHERE)
    case.analyse()
    summary = case.finish().summary
    assert summary is not None
    assert (summary.looked_again, summary.leaky, summary.leaks_at_s) == (1, 1, (2.0,))
    (leak,) = case.report()["second_look"]["leaks"]
    assert (leak["at_s"], leak["looker"]) == (2.0, "second")


def test_who_is_kept_visible_is_no_leak(tmp_path: Path, film: Path) -> None:
    case = Case(tmp_path, film)
    case.analyse()
    case.finish()
    (track,) = case.tracks()["tracks"]
    keep = RedactionEdit("edit-1", EditKind.KEEP, track_id=track["id"])
    summary = case.finish(1, (keep,)).summary
    assert summary is not None
    assert (summary.looked_again, summary.leaky) == (1, 0)
    assert case.report(1)["not_covered"]


def test_a_look_that_fails_is_none_and_fails_no_file(tmp_path: Path, film: Path) -> None:
    case = Case(tmp_path, film)

    def absent(step: object) -> None:
        raise EngineError("model_missing", "there is none")

    case.steps = replace(case.steps, second=absent)
    case.analyse()
    assert case.finish().error_code is None
    assert case.report()["second_look"] == {"frames": 0, "leaky": 0, "per_10000": None, "leaks": []}


def test_moments_lie_all_over_a_film_and_each_in_one_segment(film: Path) -> None:
    probed = probe(film)
    hour = replace(probed, facts=replace(probed.facts, duration_s=3600.0))
    edges = [BEFORE_ALL, *(probed.pts_at(at) for at in (700.0, 1901.5)), AFTER_ALL]
    parts = tuple(Segment(start, end, 1) for start, end in pairwise(edges))
    cut: Film = replace(hour, segments=parts)
    moments = [moment for segment in range(3) for moment in moments_of(cut, segment)]
    assert len(moments) == 3600 / SECOND_LOOK_EVERY_S
    assert np.allclose(np.diff(moments), SECOND_LOOK_EVERY_S)
