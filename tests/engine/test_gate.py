"""The gate over made-up pictures: rates, motion, reasons."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from inference_workers.contracts.lease import (
    Lease,
    ModelRef,
    RedactionPolicy,
    Source,
    SourceKind,
    Stage,
    Zone,
    ZoneKind,
)
from inference_workers.engine.gate import Decision, Gate

MODEL = ModelRef("v", "m", "f", "0" * 64)
LEASE = Lease(
    lease_id="l",
    camera_id="c",
    camera_name="Lobby",
    time_zone="UTC",
    issued_at=0,
    valid_until=1e12,
    revision=1,
    source=Source(SourceKind.SYNTHETIC, "clock"),
    stages=(Stage.VIEW, Stage.MOTION, Stage.FACES, Stage.DETECT, Stage.TEXT),
    models={"faces": MODEL, "detect": MODEL, "text": MODEL},
)
NOISE = np.random.default_rng(1).integers(0, 4, (20, 360, 640, 3), dtype=np.uint8)


def picture(number: int, box_left: int | None = None) -> np.ndarray:
    image = NOISE[number % 20] + np.uint8(80)
    if box_left is not None:
        image[100:260, box_left : box_left + 80] = 220
    return image


def run(
    gate: Gate, seconds: float, *, start: float = 0.0, moving: bool = False, watched: bool = False
) -> list[Decision]:
    decisions = []
    for number in range(int(seconds * 10)):
        left = (number * 8) % 500 if moving else None
        decisions.append(gate.decide(picture(number, left), start + number / 10, watched=watched))
    return decisions


def counts(decisions: list[Decision]) -> Counter[Stage]:
    return Counter(stage for decision in decisions for stage in decision.stages)


def reasons(decisions: list[Decision]) -> set[str]:
    return {decision.skip_reason for decision in decisions}


def test_an_empty_scene_costs_little() -> None:
    gate = Gate(LEASE)
    run(gate, 4)
    idle = run(gate, 12, start=4)
    seen = counts(idle)
    assert 2 <= seen[Stage.FACES] <= 3
    assert 3 <= seen[Stage.DETECT] <= 4
    assert 1 <= seen[Stage.TEXT] <= 3
    assert reasons(idle) <= {"", "no_motion"}
    assert all(decision.motion is not None and len(decision.motion) == 0 for decision in idle)


def test_motion_is_found_where_it_is_and_raises_the_rate() -> None:
    gate = Gate(LEASE)
    run(gate, 3)
    busy = run(gate, 6, start=3, moving=True)
    seen = counts(busy)
    assert 27 <= seen[Stage.DETECT] <= 31
    assert 6 <= seen[Stage.FACES] <= 7
    assert "rate" in reasons(busy)
    boxes = busy[20].motion.boxes_xyxy
    left = (20 * 8) % 500
    assert any(box[0] < left + 80 and box[2] > left and box[1] < 260 and box[3] > 100 for box in boxes)


def test_a_viewer_raises_the_rate_of_faces_alone() -> None:
    gate = Gate(LEASE)
    run(gate, 4)
    still = counts(run(gate, 10, start=4, watched=True))
    assert 19 <= still[Stage.FACES] <= 23
    assert still[Stage.DETECT] <= 4
    moving = counts(run(gate, 6, start=14, watched=True, moving=True))
    assert 27 <= moving[Stage.FACES] <= 31


def test_a_viewer_raises_the_rate_of_detection_where_persons_are_covered() -> None:
    """A look for persons counts for two and a half seconds: fewer would show mosaics of an empty hall."""
    gate = Gate(replace(LEASE, redaction=RedactionPolicy(targets=("face", "person"))))
    run(gate, 4)
    assert 5 <= counts(run(gate, 10, start=4, watched=True))[Stage.DETECT] <= 6
    assert counts(run(gate, 10, start=14))[Stage.DETECT] <= 4


def test_the_rate_follows_the_lease() -> None:
    gate = Gate(replace(LEASE, analysis_fps=2.0))
    run(gate, 3)
    assert 10 <= counts(run(gate, 5, start=3, moving=True))[Stage.DETECT] <= 11


@pytest.mark.parametrize("stages", [(), (Stage.VIEW,), (Stage.VIEW, Stage.TEXT)])
def test_a_stage_that_the_lease_does_not_allow_is_never_asked_for(stages: tuple[Stage, ...]) -> None:
    models = {"faces": MODEL, "detect": MODEL}
    decisions = run(Gate(replace(LEASE, stages=stages, models=models)), 3, moving=True, watched=True)
    assert reasons(decisions) == {"stage_not_allowed"}
    assert all(decision.motion is None for decision in decisions)


def test_a_stage_without_a_model_is_not_asked_for() -> None:
    seen = counts(run(Gate(replace(LEASE, models={"faces": MODEL})), 5, moving=True))
    assert set(seen) == {Stage.FACES}


def test_faces_are_looked_for_in_the_first_frame() -> None:
    assert Stage.FACES in Gate(LEASE).decide(picture(0), 0.0, watched=False).stages


def test_a_light_switch_is_no_object() -> None:
    gate = Gate(LEASE)
    run(gate, 4)
    bright = gate.decide(picture(1) + np.uint8(100), 4.0, watched=False)
    assert bright.motion is not None
    assert len(bright.motion) == 0
    assert bright.moving


def test_motion_in_an_ignored_zone_does_not_wake_the_camera() -> None:
    zone = Zone("z", "trees", ZoneKind.IGNORE, ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
    gate = Gate(replace(LEASE, zones=(zone,)))
    run(gate, 4, moving=True)
    seen = counts(run(gate, 10, start=4, moving=True))
    assert seen[Stage.DETECT] <= 4
    assert seen[Stage.FACES] >= 2


def test_the_display_is_told_what_moves_in_an_ignored_zone() -> None:
    zone = Zone("z", "trees", ZoneKind.IGNORE, ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
    gate = Gate(replace(LEASE, zones=(zone,)))
    assert gate.decide(picture(0), 0.0, watched=True).moved_xyxy is None  # the background is not known yet
    quiet = run(gate, 4, start=0.1)
    busy = run(gate, 5, start=4.1, moving=True)
    assert all(len(decision.moved_xyxy) == 0 for decision in quiet[-20:])
    assert all(len(decision.moved_xyxy) and not len(decision.motion) for decision in busy)


def test_a_changed_lease_keeps_the_background() -> None:
    gate = Gate(LEASE)
    run(gate, 4)
    gate.update(replace(LEASE, analysis_fps=10.0))
    assert not gate.decide(picture(3), 4.1, watched=False).moving


def test_a_clock_set_back_does_not_blind_the_camera() -> None:
    gate = Gate(LEASE)
    run(gate, 3, start=1000)
    assert counts(run(gate, 3, start=10))[Stage.FACES] >= 2


def test_motion_is_looked_for_ten_times_a_second_at_most() -> None:
    gate = Gate(LEASE)
    picture = np.zeros((90, 160, 3), np.uint8)
    decisions = [gate.decide(picture, 100 + i / 30, watched=True) for i in range(60)]
    assert 18 <= sum(decision.motion is not None for decision in decisions) <= 21


def test_a_version_that_takes_over_does_not_wait_for_the_pause_of_a_still_scene() -> None:
    gate = Gate(LEASE)
    run(gate, 4)
    taking_over = frozenset({Stage.DETECT})
    decisions = [
        gate.decide(picture(number), 4 + number / 10, watched=False, taking_over=taking_over)
        for number in range(50)
    ]
    assert counts(decisions)[Stage.DETECT] in (5, 6)  # once a second, a tenth early is early enough
    assert counts(decisions)[Stage.FACES] <= 2
