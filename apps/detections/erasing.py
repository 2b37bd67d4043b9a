"""What an erasure takes of events, readings and the feed."""

from collections.abc import Sequence

from django.db.models import Q, QuerySet

from apps.core.clock import now
from apps.detections.models import Event, FeedEntry, Reading
from apps.retention.erasure import Ground, RowEraser, Target, TargetKind, erases, of_kind, tracks
from apps.retention.plan import GRACE
from apps.retention.registry import RowStore


def register_erasers(events: RowStore, readings: RowStore, feed: RowStore) -> None:
    erases("events", RowEraser(events, events_of, ground=_running))
    erases("readings", RowEraser(readings, readings_of))
    # The feed is numbered without a gap: its lines stay and lead nowhere.
    erases("feed", RowEraser(feed, _lines_of, cut=(("event_id", None),)))


def events_of(targets: Sequence[Target]) -> QuerySet[Event]:
    return Event.objects.filter(pk__in=of_kind(targets, TargetKind.EVENT))


def _running(event: Event) -> str:
    """A late result would write the event anew; the sweeper waits as long."""
    return "" if event.ended and event.last_seen_at < now() - GRACE else Ground.RUNNING


def readings_of(targets: Sequence[Target]) -> QuerySet[Reading]:
    """Those that were chosen, and what was read on a person whose event goes."""
    wanted = Q(pk__in=of_kind(targets, TargetKind.READING))
    wanted |= Q(event__in=of_kind(targets, TargetKind.EVENT))
    for target in tracks(targets):
        wanted |= Q(camera_id=target.camera_id, epoch=target.epoch, track_id=target.track_id)
    return Reading.objects.filter(wanted)


def _lines_of(targets: Sequence[Target]) -> QuerySet[FeedEntry]:
    return FeedEntry.objects.filter(event_id__in=of_kind(targets, TargetKind.EVENT))
