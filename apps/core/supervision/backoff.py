"""When to start a process again: at once the first time, slower while it keeps failing."""

from dataclasses import dataclass

DELAYS_S = (0.3, 1.0, 2.0, 4.0, 8.0, 15.0)
HEALTHY_AFTER_S = 30.0


@dataclass(slots=True)
class Backoff:
    """Counts quick deaths; a process that lived for `HEALTHY_AFTER_S` starts with a clean sheet."""

    failures: int = 0

    def died(self, lived_s: float) -> float:
        """The seconds to wait before the next start."""
        if lived_s >= HEALTHY_AFTER_S:
            self.failures = 0
        delay_s = DELAYS_S[min(self.failures, len(DELAYS_S) - 1)]
        self.failures += 1
        return delay_s
