"""What an erasure takes of redacted files: the upload, everything made of it, the results."""

from collections.abc import Sequence
from typing import Protocol

from apps.redactions.models import ACTIVE_STATES, Redaction
from apps.retention.erasure import Found, Ground, Target, TargetKind, of_kind
from apps.retention.registry import Swept


class TakesFiles(Protocol):
    """The store of redacted files."""

    def take(self, ids: Sequence[str]) -> Swept: ...


class FilesEraser:
    """Files that were chosen. One that a worker has in hand stays until the work ends."""

    def __init__(self, store: TakesFiles) -> None:
        self._store = store

    def find(self, targets: Sequence[Target]) -> list[Found]:
        rows = Redaction.objects.filter(pk__in=of_kind(targets, TargetKind.FILE))
        return [
            Found(
                str(row.pk),
                row.created_at,
                row.created_at,
                ground=Ground.RUNNING if row.state in ACTIVE_STATES else "",
            )
            for row in rows
        ]

    def erase(self, found: Sequence[Found], reason: str) -> Swept:
        return self._store.take([item.id for item in found])
