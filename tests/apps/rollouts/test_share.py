"""The share of a canary: a hash decides, the same after every restart, growing without anybody leaving."""

import subprocess
import sys
from itertools import pairwise
from uuid import UUID

import pytest

from apps.rollouts.share import is_reached, place_of, reached

pytestmark = pytest.mark.database_neutral
CAMERAS = [UUID(int=number) for number in range(1, 2001)]


def test_the_place_is_that_of_the_hash():
    """Computed once with `printf salt:UUID | sha256sum`: a change of the formula would move every camera."""
    assert place_of("salt", CAMERAS[0]) == 0.8766047018677284


def test_another_process_decides_the_same():
    ask = (
        "from uuid import UUID; from apps.rollouts.share import place_of; "
        "print([place_of('salt', UUID(int=n)) for n in range(1, 9)])"
    )
    told = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
    ).stdout
    assert told.strip() == str([place_of("salt", camera) for camera in CAMERAS[:8]])


@pytest.mark.parametrize("percent", [1, 5, 25, 50])
def test_the_share_is_about_what_was_asked(percent):
    found = len(reached("salt", CAMERAS, percent)) / len(CAMERAS) * 100
    assert found == pytest.approx(percent, rel=0.35)


def test_who_is_in_stays_in_when_the_share_grows():
    steps = [reached("salt", CAMERAS, percent) for percent in (1, 5, 25, 100)]
    assert all(small <= large for small, large in pairwise(steps))
    assert steps[-1] == set(CAMERAS)
    assert not reached("salt", CAMERAS, 0)


def test_another_rollout_begins_with_other_cameras():
    assert reached("one", CAMERAS, 5) != reached("two", CAMERAS, 5)


def test_pinned_ones_are_in_and_excluded_ones_never():
    outside = next(camera for camera in CAMERAS if not is_reached("salt", camera, 25))
    inside = next(camera for camera in CAMERAS if is_reached("salt", camera, 1))
    found = reached("salt", CAMERAS, 1, pinned=[outside, inside], excluded=[inside])
    assert outside in found
    assert inside not in found
    assert inside not in reached("salt", CAMERAS, 100, excluded=[inside])
