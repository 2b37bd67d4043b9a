"""Micro-batches by urgency: what waits for a place at the worker, and what leaves next.

Under load the queue in front of a worker must stay short, or every answer comes too late and none counts.
So items wait here instead, one per source and key: a newer one takes the place of the older. A batch leaves
only when the caller has a place for it, the most urgent first, and is never larger than what the worker does
within a time budget, so that slow models cannot keep fast ones waiting. A key may also be held to a share of
the worker's time: a slow detector then looks seldom instead of taking what faces and decoding need.

Pure: the caller passes the time in, so tests never sleep. Not thread-safe; the caller holds the lock.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

_LEARNING_RATE = 0.2


def _none(_key: object) -> bool:
    return False


@dataclass(slots=True)
class _Waiting(Generic[T]):
    """`since` is when the source began to wait; a newer item does not begin anew."""

    since: float
    item: T


@dataclass(slots=True)
class _Queue(Generic[T]):
    by_source: dict[str, _Waiting[T]] = field(default_factory=dict)
    rests_until: float = float("-inf")

    def oldest(self) -> float:
        return next(iter(self.by_source.values())).since


class Batcher(Generic[K, T]):
    """Collects items of many cameras into batches of one key (stage and model version).

    Args:
        size: no batch has more items.
        max_wait_s: an item waits no longer than this for company.
        budget_ms: no batch shall take the worker longer, as far as `learn` has told (one item always may).
        urgency: how much a second of waiting counts for a key.
        share: how much of the worker's time a key may take.
        room: how much of the budget one batch of a key may fill.
        like: under which names the cost of a key may be known, the best first. What was never timed begins
            with the cost of its like: a whole batch of it could take longer than anybody waits.
    """

    def __init__(
        self,
        size: int,
        max_wait_s: float,
        budget_ms: float,
        urgency: Callable[[K], float],
        share: Callable[[K], float] = lambda _key: 1.0,
        *,
        room: Callable[[K], float] = lambda _key: 1.0,
        like: Callable[[K], Sequence[Hashable]] = lambda key: (key,),
    ) -> None:
        if size < 1 or max_wait_s < 0 or budget_ms <= 0:
            raise ValueError(
                "expected size >= 1, max_wait_s >= 0 and budget_ms > 0, "
                f"got {size}, {max_wait_s} and {budget_ms}"
            )
        self._size = size
        self._max_wait_s = max_wait_s
        self._budget_ms = budget_ms
        self._urgency = urgency
        self._share = share
        self._room = room
        self._like = like
        self._costs_ms: dict[Hashable, float] = {}
        self._queues: dict[K, _Queue[T]] = {}

    def __len__(self) -> int:
        return sum(len(queue.by_source) for queue in self._queues.values())

    def add(self, key: K, source: str, item: T, now: float) -> T | None:
        """Let an item wait; returns the older one of the same source and key that it replaces."""
        queue = self._queues.setdefault(key, _Queue())
        before = queue.by_source.get(source)
        queue.by_source[source] = _Waiting(before.since if before else now, item)
        return before.item if before else None

    def waits(self, chosen: Callable[[K], bool]) -> bool:
        """Does anything wait whose key is `chosen`?"""
        return any(queue.by_source and chosen(key) for key, queue in self._queues.items())

    def learn(self, name: Hashable, items: int, took_ms: float) -> None:
        """Take in how long the worker needed for a batch whose cost is known by this name."""
        cost_ms = took_ms / max(1, items)
        known_ms = self._costs_ms.get(name, cost_ms)
        self._costs_ms[name] = known_ms + _LEARNING_RATE * (cost_ms - known_ms)

    def _cost_ms(self, key: K) -> float:
        """What one item takes; 0 while nothing is known."""
        return next((self._costs_ms[name] for name in self._like(key) if name in self._costs_ms), 0.0)

    def limit(self, key: K) -> int:
        """How many items a batch of this key may have."""
        cost_ms, budget_ms = self._cost_ms(key), self._budget_ms * self._room(key)
        return max(1, min(self._size, int(budget_ms / cost_ms))) if cost_ms else self._size

    def next_due_at(self, *, idle: bool = False, held: Callable[[K], bool] = _none) -> float | None:
        """When `take` will return something, or None while nothing waits that is not `held`."""
        return min(
            (
                self._due_at(key, queue, idle)
                for key, queue in self._queues.items()
                if queue.by_source and not held(key)
            ),
            default=None,
        )

    def _due_at(self, key: K, queue: _Queue[T], idle: bool) -> float:
        full = len(queue.by_source) >= self.limit(key)
        ripe_at = queue.oldest() + (0.0 if full else self._max_wait_s)
        return ripe_at if idle else max(queue.rests_until, ripe_at)

    def take(
        self, now: float, *, idle: bool = False, held: Callable[[K], bool] = _none
    ) -> tuple[K, list[T]] | None:
        """Take out the most urgent batch that is due, the sources that waited longest first.

        While the worker is `idle` no share holds a key back: nobody else wants the time. Keys that are
        `held` have to wait whatever their urgency.
        """
        due = [
            (key, queue)
            for key, queue in self._queues.items()
            if queue.by_source and not held(key) and self._due_at(key, queue, idle) <= now
        ]
        if not due:
            return None
        key, queue = max(due, key=lambda pair: (now - pair[1].oldest()) * self._urgency(pair[0]))
        sources = list(queue.by_source)[: self.limit(key)]
        if (share := self._share(key)) < 1.0:
            queue.rests_until = now + len(sources) * self._cost_ms(key) / 1000 / share
        return key, [queue.by_source.pop(source).item for source in sources]
