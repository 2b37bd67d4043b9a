"""In-process news between apps: a lower app publishes after commit, upper apps look.

Handlers do no domain work: they wake somebody up, who then reads the database. One that raises is logged by
Django and does not stop the others.
"""

from collections import defaultdict
from collections.abc import Callable

from django.db import transaction

TOPICS = frozenset(
    {
        "camera.changed",
        "camera.removed",
        "stages.changed",
        "models.changed",
        "grants.changed",
        "sessions.changed",
        "event.changed",
        "redaction.changed",
        "retention.changed",
    }
)
_handlers: dict[str, list[Callable[..., None]]] = defaultdict(list)


def publish(topic: str, **payload: str) -> None:
    """Tells the subscribers once the surrounding transaction is committed; never when it is rolled back."""
    for handler in tuple(_handlers[_known(topic)]):
        transaction.on_commit(_delivery(handler, payload), robust=True)


def subscribe(topic: str, handler: Callable[..., None]) -> None:
    """Registers a handler; the same handler twice is one."""
    if handler not in _handlers[_known(topic)]:
        _handlers[topic].append(handler)


def unsubscribe(topic: str, handler: Callable[..., None]) -> None:
    if handler in _handlers[_known(topic)]:
        _handlers[topic].remove(handler)


def _delivery(handler: Callable[..., None], payload: dict[str, str]) -> Callable[[], None]:
    """A function and no `partial`: Django names what has failed by its qualified name."""

    def deliver() -> None:
        handler(**payload)

    return deliver


def _known(topic: str) -> str:
    if topic not in TOPICS:
        raise ValueError(f"expected a topic of {sorted(TOPICS)}, got {topic!r}")
    return topic
