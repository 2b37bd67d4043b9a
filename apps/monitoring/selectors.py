"""The health of the installation as the pages show it."""

import contextlib
from dataclasses import dataclass
from typing import Any

import redis

from apps.accounts.roles import Capability, require
from apps.monitoring.heartbeats import Heartbeat, heartbeats_or_none
from apps.monitoring.queues import ResultsLag, queue_depths, results_lag
from apps.monitoring.readiness import Check, readiness


@dataclass(frozen=True, slots=True)
class SystemHealth:
    """`processes` and `results` are None while Redis does not answer."""

    checks: list[Check]
    processes: list[Heartbeat] | None
    queues: dict[str, int]
    results: ResultsLag | None

    @property
    def ready(self) -> bool:
        return all(check.ok for check in self.checks)


def system_health(user: Any) -> SystemHealth:
    """Raises Forbidden when the role may not see it."""
    require(user, Capability.SEE_HEALTH)
    lag = None
    with contextlib.suppress(redis.RedisError):
        lag = results_lag()
    return SystemHealth(readiness(), heartbeats_or_none(), queue_depths(), lag)
