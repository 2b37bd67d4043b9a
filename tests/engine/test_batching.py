"""Micro-batches without a clock."""

from hypothesis import given
from hypothesis import strategies as st

from inference_workers.engine.batching import Batcher


def test_a_full_batch_is_due_at_once_and_a_part_after_its_wait() -> None:
    batcher: Batcher[str, int] = Batcher(3, 0.5)
    for item in range(4):
        batcher.add("a", item, now=10.0)
    batcher.add("b", 9, now=10.2)
    assert batcher.due(10.0) == [("a", [0, 1, 2]), ("a", [3])]
    assert batcher.next_due_at() == 10.7
    assert batcher.due(10.6) == []
    assert batcher.due(10.7) == [("b", [9])]
    assert batcher.next_due_at() is None


def test_keys_never_share_a_batch_and_the_oldest_goes_first() -> None:
    batcher: Batcher[str, int] = Batcher(8, 1.0)
    batcher.add("late", 1, now=1.0)
    batcher.add("early", 2, now=0.5)
    assert batcher.due(5.0) == [("early", [2]), ("late", [1])]


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 0.3))), st.integers(1, 5))
def test_every_item_comes_out_once_in_order_and_in_time(steps: list[tuple[int, float]], size: int) -> None:
    batcher: Batcher[int, tuple[int, float]] = Batcher(size, 0.25)
    now, out, put = 0.0, [], []
    for number, (key, wait_s) in enumerate(steps):
        now += wait_s
        out += [item for _, items in batcher.due(now) for item in items]
        batcher.add(key, (number, now), now)
        put.append((number, now))
        due_at = batcher.next_due_at()
        assert due_at is not None
        assert due_at <= now + 0.25
    batches = batcher.due(now + 1)
    assert all(len(items) <= size for _, items in batches)
    assert sorted(out + [item for _, items in batches for item in items]) == put
    assert len(batcher) == 0
