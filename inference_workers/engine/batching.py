"""Micro-batches: items are collected per key until a batch is full or its oldest item waited long enough.

Pure: the caller passes the time in, so tests never sleep. Not thread-safe; the caller holds the lock.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(slots=True)
class _Open(Generic[T]):
    due_at: float
    items: list[T] = field(default_factory=list)


class Batcher(Generic[K, T]):
    """Collects items of many cameras into batches of one key (stage and model version).

    Args:
        size: a batch with this many items is due at once.
        max_wait_s: no item waits longer than this for company.
    """

    def __init__(self, size: int, max_wait_s: float) -> None:
        if size < 1 or max_wait_s < 0:
            raise ValueError(f"expected size >= 1 and max_wait_s >= 0, got {size} and {max_wait_s}")
        self._size = size
        self._max_wait_s = max_wait_s
        self._open: dict[K, _Open[T]] = {}

    def __len__(self) -> int:
        return sum(len(batch.items) for batch in self._open.values())

    def add(self, key: K, item: T, now: float) -> None:
        batch = self._open.get(key)
        if batch is None:
            batch = self._open[key] = _Open(now + self._max_wait_s)
        batch.items.append(item)
        if len(batch.items) >= self._size:
            batch.due_at = now

    def next_due_at(self) -> float | None:
        """When `due` will return something, or None while nothing is collected."""
        return min((batch.due_at for batch in self._open.values()), default=None)

    def due(self, now: float) -> list[tuple[K, list[T]]]:
        """Take out what is due, oldest first, never more than `size` items in a batch."""
        keys = [key for key, batch in self._open.items() if batch.due_at <= now]
        keys.sort(key=lambda key: self._open[key].due_at)
        batches: list[tuple[K, list[T]]] = []
        for key in keys:
            items = self._open.pop(key).items
            batches += [(key, items[i : i + self._size]) for i in range(0, len(items), self._size)]
        return batches
