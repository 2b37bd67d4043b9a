"""Frames in shared memory: hand-over, seqlock, budget, wiping."""

import multiprocessing
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference_workers.contracts.frames import FrameRef
from inference_workers.engine import ring as ring_module
from inference_workers.engine.errors import EngineError
from inference_workers.engine.ring import (
    FrameRing,
    RingBudget,
    RingOwner,
    RingWriter,
    remove_stale_rings,
    ring_bytes,
    ring_name,
)

WIDTH, HEIGHT = 8, 4
BYTES = WIDTH * HEIGHT * 3


def make(folder: Path, slots: int = 2) -> tuple[RingOwner, RingWriter]:
    owner = RingOwner(folder / ring_name(1, "cam/ä", 0), slots, BYTES)
    return owner, RingWriter(owner.path)


def write(writer: RingWriter, value: int) -> tuple[int, int]:
    slot = writer.reserve()
    assert slot is not None
    writer.pixels(slot, WIDTH, HEIGHT)[:] = value
    return slot, writer.commit(slot, WIDTH, HEIGHT)


def ref(owner: RingOwner, slot: int, generation: int) -> FrameRef:
    return FrameRef("cam", "e", 0, 0.0, owner.name, slot, generation, WIDTH, HEIGHT)


def test_a_reader_gets_a_copy_of_the_frame_that_was_named(tmp_path: Path) -> None:
    owner, writer = make(tmp_path)
    first, second = write(writer, 7), write(writer, 9)
    ring = FrameRing(tmp_path)
    image = ring.read(ref(owner, *first))
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert (image == 7).all()
    assert (ring.read(ref(owner, *second)) == 9).all()
    owner.release(first[0])
    assert (image == 7).all()


def test_the_writer_gets_no_slot_that_the_owner_holds(tmp_path: Path) -> None:
    owner, writer = make(tmp_path)
    slot, _ = write(writer, 1)
    write(writer, 2)
    assert writer.reserve() is None
    owner.release(slot)
    assert writer.reserve() == slot


def test_a_frame_is_gone_once_its_slot_was_released_or_written(tmp_path: Path) -> None:
    owner, writer = make(tmp_path, slots=1)
    old = write(writer, 1)
    owner.release(old[0])
    ring = FrameRing(tmp_path)
    with pytest.raises(EngineError, match="used again") as caught:
        ring.read(ref(owner, *old))
    assert caught.value.code == "frame_gone"
    slot = writer.reserve()
    assert slot == 0
    with pytest.raises(EngineError):
        ring.read(ref(owner, 0, owner.generation(0)))


@pytest.mark.parametrize(
    "changes",
    [
        {"ring": "../../etc/passwd"},
        {"ring": "vidette-1-nobody-0"},
        {"slot": 99},
        {"slot": -1},
        {"width": 100_000},
        {"generation": 3},
    ],
)
def test_a_reference_that_lies_reads_nothing(tmp_path: Path, changes: dict[str, object]) -> None:
    owner, writer = make(tmp_path)
    slot, generation = write(writer, 1)
    with pytest.raises(EngineError) as caught:
        FrameRing(tmp_path).read(replace(ref(owner, slot, generation), **changes))
    assert caught.value.code == "frame_gone"


def test_a_foreign_file_is_no_ring(tmp_path: Path) -> None:
    (tmp_path / "vidette-1-x-0").write_bytes(b"\xff" * 8192)
    with pytest.raises(EngineError):
        FrameRing(tmp_path).read(FrameRef("c", "e", 0, 0.0, "vidette-1-x-0", 0, 2, 8, 4))


def test_closing_wipes_the_pixels_for_those_who_still_map_them(tmp_path: Path) -> None:
    owner, writer = make(tmp_path)
    slot, generation = write(writer, 200)
    ring = FrameRing(tmp_path)
    named = ref(owner, slot, generation)
    ring.read(named)
    view = writer.pixels(slot, WIDTH, HEIGHT)
    owner.wipe_and_close()
    assert (view == 0).all()
    assert not owner.path.exists()
    with pytest.raises(EngineError):
        ring.read(named)


def test_rings_of_dead_owners_are_removed_and_living_ones_kept(tmp_path: Path) -> None:
    owner, _ = make(tmp_path)
    (tmp_path / "vidette-99999-dead-0").write_bytes(b"left over")
    (tmp_path / "somebody-else").write_bytes(b"x")
    assert remove_stale_rings(tmp_path) == 1
    assert owner.path.exists()
    assert (tmp_path / "somebody-else").exists()


def test_the_budget_gives_fewer_slots_and_then_says_what_to_do() -> None:
    budget = RingBudget(ring_bytes(10, BYTES))
    assert budget.slots_for(BYTES, 8, 3) == 8
    with pytest.raises(EngineError, match="VIDETTE_SHM_BUDGET_MB") as caught:
        budget.slots_for(BYTES, 8, 3)
    assert caught.value.code == "shm_budget"
    budget.give_back(8, BYTES)
    assert budget.slots_for(BYTES, 20, 3) == 10


def test_a_full_file_system_is_told_in_words() -> None:
    with pytest.raises(EngineError, match="shm-size") as caught:
        RingOwner(Path("/dev/shm") / ring_name(1, "too-large", 0), 32, 2**36)
    assert caught.value.code == "shm_full"


def _write_for_ever(path: str) -> None:
    writer = RingWriter(Path(path))
    value = 0
    while True:
        slot = writer.reserve()
        if slot is not None:
            value = (value + 1) % 250
            writer.pixels(slot, 640, 480)[:] = value
            writer.commit(slot, 640, 480)


def test_no_reader_ever_sees_half_of_a_frame(tmp_path: Path) -> None:
    """A writer in another process against an owner that releases under the reader's hands."""
    owner = RingOwner(tmp_path / ring_name(2, "torn", 0), 1, 640 * 480 * 3)
    process = multiprocessing.get_context("spawn").Process(target=_write_for_ever, args=(str(owner.path),))
    process.start()
    ring, read, gone = FrameRing(tmp_path), 0, 0
    try:
        while read < 150:
            # Only what the writer has handed over belongs to the owner, as an announcement would say.
            if owner._words[0, ring_module._STATE] != ring_module.READY:
                time.sleep(0.0002)  # on a crowded machine the writer would wait for this very loop
                continue
            generation = owner.generation(0)
            named = replace(ref(owner, 0, generation), width=640, height=480)
            assert owner.matches(0, generation, 640, 480)
            if read % 3 == 2:
                owner.release(0)
            try:
                image = ring.read(named)
            except EngineError:
                gone += 1
                read += 1
                continue
            assert np.ptp(image) == 0
            if read % 3 != 2:  # a slot is given back once: the writer may be in it again
                owner.release(0)
            read += 1
    finally:
        process.kill()
        process.join()
    assert 0 < gone < 150
