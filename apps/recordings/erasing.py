"""What an erasure takes of recordings: segments in which the person is, and their sealed originals.

An original goes by deletion; where nothing else is sealed under the key of its day, the key goes as well, and
with it every copy of the original wherever one may lie.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Max, Min, Q

from apps.core.clock import now
from apps.recordings.keys import key_destroy
from apps.recordings.models import OriginalKey, Segment
from apps.recordings.results import MAX_ENTRIES
from apps.retention.erasure import (
    Found,
    RowEraser,
    Target,
    TargetKind,
    erases,
    erasure_exempt,
    of_kind,
    overlapping,
    tracks,
)
from apps.retention.registry import RowStore, Swept


def register_erasers(segments: RowStore) -> None:
    erases("segments", RowEraser(segments, lambda targets: Segment.objects.filter(pk__in=_ids(targets))))
    erases("originals", OriginalsEraser())
    erasure_exempt(
        "original_keys",
        reason="a key goes with the last original under it, when that is erased; an empty one opens nothing",
    )


def segments_of(targets: Sequence[Target]) -> list[Segment]:
    """Segments that were chosen, and those that show a track that was."""
    chosen = Q(pk__in=of_kind(targets, TargetKind.SEGMENT))
    followed = tracks(targets)
    touching = overlapping(followed, "started_at", "ended_at")
    wanted = set(of_kind(targets, TargetKind.SEGMENT))
    rows = Segment.objects.filter(chosen | touching).order_by("started_at", "pk")
    return [row for row in rows if row.pk in wanted or any(_shows(row, target) for target in followed)]


def _shows(segment: Segment, target: Target) -> bool:
    """Whether the track is in the segment's list; a list that is full may have left it out."""
    if segment.camera_id != target.camera_id or segment.epoch != target.epoch:
        return False
    return target.track_id in segment.track_ids or len(segment.track_ids) >= MAX_ENTRIES


def _ids(targets: Sequence[Target]) -> list[UUID]:
    return [segment.pk for segment in segments_of(targets)]


class OriginalsEraser:
    """The originals of these segments; the redacted files are the business of the store of segments."""

    def find(self, targets: Sequence[Target]) -> list[Found]:
        return [
            Found(str(row.pk), row.started_at, row.ended_at, row.camera_id)
            for row in segments_of(targets)
            if row.original_key
        ]

    def erase(self, found: Sequence[Found], reason: str) -> Swept:
        rows = Segment.objects.filter(pk__in=[item.id for item in found]).exclude(original_key="")
        sealed = list(rows.values_list("original_key", "sealed_under"))
        facts = rows.aggregate(oldest=Min("ended_at"), newest=Max("ended_at"))
        rows.update(original_key="", sealed_under=None)
        _destroy_empty({key_id for _key, key_id in sealed if key_id is not None}, reason)
        ids, keys = tuple(item.id for item in found), tuple(sorted(key for key, _key_id in sealed))
        return Swept(ids, keys, facts["oldest"], facts["newest"])


def _destroy_empty(key_ids: set[UUID], reason: str) -> None:
    """Keys of past days under which nothing is sealed any more; today's still seals what is to come."""
    past = OriginalKey.objects.filter(pk__in=key_ids, destroyed_at=None, day__lt=now().date())
    for key in past.filter(segments=None):
        key_destroy(key, reason)
