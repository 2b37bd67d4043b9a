"""What the inference worker counts; travels in its heartbeat and ends up on the metrics page."""

import threading
from bisect import bisect_left
from collections import Counter
from typing import Any

MS_BUCKETS = (5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)
SIZE_BUCKETS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


class Histogram:
    """Counts per bucket, the last one without an upper bound; not thread-safe by itself."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def as_dict(self) -> dict[str, Any]:
        return {
            "bounds": list(self._bounds), "counts": list(self._counts),
            "sum": round(self._sum, 3), "count": sum(self._counts),
        }  # fmt: skip


class Counters:
    """Thread-safe. Every number only grows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._histograms: dict[str, Histogram] = {}

    def add(self, name: str, count: int = 1) -> None:
        with self._lock:
            self._numbers[name] += count

    def error(self, code: str, count: int = 1) -> None:
        with self._lock:
            self._errors[code] += count

    def observe(self, name: str, value: float, bounds: tuple[float, ...] = MS_BUCKETS) -> None:
        with self._lock:
            self._histograms.setdefault(name, Histogram(bounds)).observe(value)

    def as_dict(self) -> dict[str, Any]:
        with self._lock:
            return {
                **self._numbers,
                "errors": dict(self._errors),
                "histograms": {name: found.as_dict() for name, found in self._histograms.items()},
            }
