"""Who saw what, summed up from the record: per camera and person the seconds, pictures and other looks."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime

from apps.audit.models import AuditRecord, RecordKind

_CHUNK = 5000


@dataclass(slots=True)
class Seen:
    """What one person saw of one camera within a span.

    Attributes:
        seconds, pictures: of live pictures. Two windows at once count twice.
        looks: other accesses: snapshots, recordings, lists, events.
        uncovered: accesses and viewing times that showed people without covers.
        models: the model versions that were shown with them.
    """

    camera_id: UUID | None
    actor_id: str
    name: str
    role: str
    seconds: float = 0.0
    pictures: int = 0
    looks: int = 0
    uncovered: int = 0
    models: set[str] = field(default_factory=set)
    entries: int = 0

    @property
    def shown(self) -> list[str]:
        """The model versions in order."""
        return sorted(self.models)


def seen_by(rows: QuerySet[AuditRecord], since: datetime, until: datetime) -> list[Seen]:
    """Sums up accesses and viewing times, however many there are; who watched longest comes first."""
    found: dict[tuple[Any, ...], Seen] = {}
    fields = ("camera_id", "actor_id", "actor_name", "actor_role", "kind", "redacted", "details")
    for camera_id, actor_id, name, role, kind, redacted, details in rows.values_list(*fields).iterator(
        chunk_size=_CHUNK
    ):
        seen = found.setdefault((camera_id, actor_id, name), Seen(camera_id, actor_id, name, role))
        seen.entries += 1
        span = viewing_span(kind, details)
        if span is None:
            seen.looks += 1
        else:
            seen.seconds += max(0.0, (min(span[1], until) - max(span[0], since)).total_seconds())
            seen.pictures += int(details.get("pictures", 0))
        seen.uncovered += redacted is False
        seen.models.update(models_shown(details))
    return sorted(found.values(), key=lambda seen: (-seen.seconds, -seen.looks, seen.name))


def viewing_span(kind: str, details: dict[str, Any]) -> tuple[datetime, datetime] | None:
    """When a block of viewing time began and ended; None for another entry."""
    if kind != RecordKind.VIEWING:
        return None
    started, ended = (parse_datetime(str(details.get(name))) for name in ("started_at", "ended_at"))
    return (started, ended) if started and ended else None


def models_shown(details: dict[str, Any]) -> Iterable[str]:
    """The model versions that an entry names: one, or one per stage."""
    models = details.get("models")
    if isinstance(models, dict):  # that of an unmasking names its grant there, which is no model
        models = [name for stage, name in models.items() if stage != "grant"]
    several = models if isinstance(models, list) else ()
    return [str(name) for name in (details.get("model"), *several) if name]
