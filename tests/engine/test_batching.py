"""Micro-batches without a clock."""

from hypothesis import given
from hypothesis import strategies as st

from inference_workers.engine.batching import Batcher


def make(size: int = 8, max_wait_s: float = 0.5, budget_ms: float = 1000.0) -> Batcher[str, int]:
    return Batcher(size, max_wait_s, budget_ms, urgency=lambda key: 4.0 if key == "faces" else 1.0)


def test_a_full_batch_is_due_at_once_and_a_part_after_its_wait() -> None:
    batcher = make(size=3)
    for item in range(3):
        batcher.add("a", f"camera {item}", item, now=10.0)
    batcher.add("b", "camera 9", 9, now=10.2)
    assert batcher.take(10.2) == ("a", [0, 1, 2])
    assert batcher.take(10.6) is None
    assert batcher.next_due_at() == 10.7
    assert batcher.take(10.7) == ("b", [9])
    assert batcher.next_due_at() is None
    assert batcher.take(99.0) is None


def test_a_newer_frame_takes_the_place_of_an_older_one_and_keeps_its_turn() -> None:
    batcher = make()
    assert batcher.add("a", "yard", 1, now=0.0) is None
    batcher.add("a", "gate", 2, now=0.1)
    assert batcher.add("a", "yard", 3, now=0.4) == 1
    assert batcher.next_due_at() == 0.5
    assert batcher.take(0.5) == ("a", [3, 2])


def test_the_most_urgent_key_goes_first_but_nobody_waits_for_ever() -> None:
    batcher = make(max_wait_s=0.0)
    batcher.add("objects", "yard", 1, now=0.0)
    batcher.add("faces", "yard", 2, now=0.5)
    assert batcher.take(1.0) == ("faces", [2])
    batcher.add("faces", "yard", 3, now=1.0)
    assert batcher.take(1.1) == ("objects", [1])


def test_a_slow_model_gets_small_batches() -> None:
    batcher = make(budget_ms=150.0, max_wait_s=0.0)
    for item in range(6):
        batcher.add("objects", f"camera {item}", item, now=0.0)
    assert batcher.limit("objects") == 8
    batcher.learn("objects", items=2, took_ms=140.0)
    assert batcher.limit("objects") == 2
    assert batcher.take(1.0) == ("objects", [0, 1])
    for _ in range(40):
        batcher.learn("objects", items=1, took_ms=900.0)
    assert batcher.take(1.0) == ("objects", [2])


def test_a_key_with_a_share_rests_after_its_batches() -> None:
    batcher: Batcher[str, int] = Batcher(8, 0.0, 150.0, lambda _key: 1.0, lambda _key: 0.5)
    batcher.learn("objects", items=1, took_ms=100.0)
    batcher.add("objects", "yard", 1, now=0.0)
    assert batcher.take(0.0) == ("objects", [1])
    batcher.add("objects", "yard", 2, now=0.05)
    assert batcher.take(0.19) is None
    assert batcher.next_due_at() == 0.2
    assert batcher.take(0.2) == ("objects", [2])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.booleans())), st.integers(1, 5))
def test_every_item_is_taken_once_or_replaced_once(steps: list[tuple[int, int, bool]], size: int) -> None:
    batcher: Batcher[int, int] = Batcher(size, 0.0, 100.0, urgency=lambda key: key + 1.0)
    put, out = [], []
    for number, (key, source, take) in enumerate(steps):
        replaced = batcher.add(key, str(source), number, float(number))
        put.append(number)
        out += [] if replaced is None else [replaced]
        if take and (batch := batcher.take(float(number))):
            assert 0 < len(batch[1]) <= size
            out += batch[1]
    while batch := batcher.take(1e9):
        out += batch[1]
    assert sorted(out) == put
    assert len(batcher) == 0


def test_a_key_that_is_held_waits_and_the_others_go() -> None:
    batcher: Batcher[str, int] = Batcher(8, 0.0, 120.0, lambda _key: 1.0)
    batcher.add("shadow", "cam", 1, 0.0)
    batcher.add("faces", "cam", 2, 5.0)
    assert batcher.take(9.0, held=lambda key: key == "shadow") == ("faces", [2])
    assert batcher.take(9.0, held=lambda key: key == "shadow") is None
    assert batcher.next_due_at(held=lambda key: key == "shadow") is None
    assert batcher.take(9.0) == ("shadow", [1])


def test_a_key_with_little_room_has_small_batches() -> None:
    batcher: Batcher[str, int] = Batcher(
        8, 0.0, 120.0, lambda _key: 1.0, room=lambda key: 0.5 if key == "shadow" else 1.0
    )
    for key in ("shadow", "detect"):
        batcher.learn(key, 1, 20.0)
    assert (batcher.limit("shadow"), batcher.limit("detect")) == (3, 6)


def test_what_was_never_timed_begins_with_the_cost_of_its_like() -> None:
    batcher: Batcher[str, int] = Batcher(
        8, 0.0, 120.0, lambda _key: 1.0, like=lambda key: (key, key.partition(" ")[0])
    )
    assert batcher.limit("detect new") == 8
    batcher.learn("detect", 1, 60.0)
    assert batcher.limit("detect new") == 2
    batcher.learn("detect new", 1, 20.0)
    assert batcher.limit("detect new") == 6
