"""A runner that fell behind lets old frames go: the backlog must not become the delay of every picture."""

import time
from pathlib import Path

import pytest

from inference_workers.contracts.lease import Source, SourceKind
from inference_workers.engine.ring import RingOwner, RingWriter, ring_name
from inference_workers.engine.sources.messages import Placed, Tally
from inference_workers.streams.frames import FrameDesk
from inference_workers.streams.runner import LATE_AFTER_S, is_late
from tests.workers.stream_parts import make_lease

WIDTH, HEIGHT = 64, 48
FAST_FILE = Source(SourceKind.FILE, "clip.mp4", realtime=False)


@pytest.fixture
def ring(tmp_path: Path) -> RingOwner:
    return RingOwner(tmp_path / ring_name(1, "cam", 0), 2, WIDTH * HEIGHT * 3)


def place(ring: RingOwner, grabbed_at: float) -> Placed:
    writer = RingWriter(ring.path)
    slot = writer.reserve()
    assert slot is not None
    writer.pixels(slot, WIDTH, HEIGHT)[:] = 90
    generation = writer.commit(slot, WIDTH, HEIGHT)
    return Placed(slot, generation, 0, grabbed_at, WIDTH, HEIGHT, 1, Tally(1, 0, 0, 0))


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
