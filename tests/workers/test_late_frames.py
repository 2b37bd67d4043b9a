"""A runner that fell behind lets old frames go: the backlog must not become the delay of every picture."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from inference_workers.contracts.lease import Source, SourceKind
from inference_workers.engine.ring import RingOwner, RingWriter, ring_name
from inference_workers.engine.sources.messages import Placed, Tally
from inference_workers.streams.frames import FrameDesk
from inference_workers.streams.runner import LATE_AFTER_S, CameraRunner, is_late
from tests.workers.stream_parts import make_lease

WIDTH, HEIGHT = 64, 48
FAST_FILE = Source(SourceKind.FILE, "clip.mp4", realtime=False)


@pytest.fixture
def ring(tmp_path: Path) -> RingOwner:
    return RingOwner(tmp_path / ring_name(1, "cam", 0), 3, WIDTH * HEIGHT * 3)


def place(ring: RingOwner, grabbed_at: float, number: int = 0) -> Placed:
    writer = RingWriter(ring.path)
    slot = writer.reserve()
    assert slot is not None
    writer.pixels(slot, WIDTH, HEIGHT)[:] = 90
    generation = writer.commit(slot, WIDTH, HEIGHT)
    tally = Tally(number + 1, 0, 0, 0)
    return Placed(slot, generation, number, grabbed_at, WIDTH, HEIGHT, 1, tally)


def test_a_frame_that_is_passed_over_is_counted_and_gives_its_place_back(ring: RingOwner) -> None:
    desk = FrameDesk(make_lease(), "epoch")
    placed = place(ring, time.time())
    desk.ledger.note(placed.tally)
    desk.pass_over(placed, ring)
    account = desk.ledger.account(0.0)
    assert account.balances()
    assert account.lost == {"late": 1}
    assert RingWriter(ring.path).reserve() == placed.slot


def test_late_is_what_nobody_would_see_in_time(ring: RingOwner) -> None:
    now = time.time()
    lease = make_lease()
    assert not is_late(now - 0.5 * LATE_AFTER_S, lease, now)
    assert is_late(now - 1.1 * LATE_AFTER_S, lease, now)
    assert not is_late(now - 60, make_lease(source=FAST_FILE), now)


def test_a_clock_that_is_set_back_begins_a_new_run(ring: RingOwner) -> None:
    """Else nothing would be shown, tracked or recorded until the clock is where it was."""
    services = SimpleNamespace(
        live=SimpleNamespace(is_watched=lambda camera_id: True),
        analysis=SimpleNamespace(submit=lambda request, on_answer: None),
    )
    runner = CameraRunner(make_lease(), services)
    attempt = SimpleNamespace(process=SimpleNamespace(ring=ring), media_at=None, first_frame_at=None)
    now = time.time()
    runner._take_frame(place(ring, now), attempt, 0.0)
    runner._take_frame(place(ring, now - 0.2, 1), attempt, 0.1)
    assert runner._leaving == ""
    runner._take_frame(place(ring, now - 3600, 2), attempt, 0.2)
    assert runner._leaving == "clock_set_back"
    ledger = runner._desk.ledger
    assert ledger.account(0.0).balances()
    assert ledger.captured == 3
