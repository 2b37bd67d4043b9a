"""What the processes say about themselves: each writes a line into one Redis hash every few seconds."""

import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

import redis

from apps.core.redis import client
from inference_workers.contracts.names import HEARTBEATS

FRESH_S = 30.0
FORGOTTEN_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`age_s` is the time since the last word; `facts` is what else the process said."""

    process: str
    at: float
    age_s: float
    pid: int
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def fresh(self) -> bool:
        return self.age_s <= FRESH_S


def heartbeats(now: float | None = None) -> list[Heartbeat]:
    """By name; lines that cannot be read and processes gone for a day are left out.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    now = time.time() if now is None else now
    found: dict[bytes, bytes] = client().hgetall(HEARTBEATS)  # type: ignore[assignment]  # the sync client
    beats = [beat for name, text in sorted(found.items()) if (beat := _beat(name, text, now)) is not None]
    return [beat for beat in beats if beat.age_s < FORGOTTEN_S]


def heartbeats_or_none() -> list[Heartbeat] | None:
    """None when Redis does not answer: for pages that show what is known."""
    with contextlib.suppress(redis.RedisError):
        return heartbeats()
    return None


def _beat(name: bytes, text: bytes, now: float) -> Heartbeat | None:
    try:
        facts = json.loads(text)
        at, pid = float(facts.pop("at")), int(facts.pop("pid", 0))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return Heartbeat(name.decode("utf-8", "replace"), at, max(0.0, now - at), pid, facts)
