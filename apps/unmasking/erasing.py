"""What an erasure takes of unmasking: parts that were prepared of a segment that goes."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.recordings.erasing import segments_of
from apps.retention.erasure import Found, Target, erases
from apps.retention.registry import RowStore, Swept
from apps.unmasking.models import RevealPart


def register_erasers(reveals: RowStore) -> None:
    erases("reveals", PartsEraser(reveals))


@dataclass(frozen=True, slots=True)
class PartsEraser:
    """A part is of its camera's time, so a hold on the recording holds the part as well."""

    store: RowStore

    def find(self, targets: Sequence[Target]) -> list[Found]:
        ids = [segment.pk for segment in segments_of(targets)]
        rows = RevealPart.objects.filter(segment_id__in=ids).select_related("grant__request")
        return [Found(str(row.pk), row.started_at, row.ended_at, row.grant.request.camera_id) for row in rows]

    def erase(self, found: Sequence[Found], reason: str) -> Swept:
        return self.store.take([item.id for item in found])
