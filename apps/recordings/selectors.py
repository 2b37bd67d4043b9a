"""Recorded segments: of a day, of an event, one by one. They need the watch grant, as live pictures do."""

import zoneinfo
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock_time

from django.db import transaction
from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _

from apps.accounts.roles import Capability
from apps.audit import services as audit
from apps.cameras.grants import Viewer
from apps.cameras.models import Camera
from apps.cameras.selectors import as_uuid, cameras_for, refusal_record
from apps.core.errors import NotFound
from apps.detections.models import Event
from apps.recordings.models import OriginalKey, Segment

BEFORE_EVENT = timedelta(seconds=3)
AFTER_EVENT = timedelta(seconds=4)
MOST_DAYS = 400
MOST_OF_A_DAY = 24 * 360 + 100  # segments of ten seconds


@dataclass(frozen=True, slots=True)
class Day:
    """A camera's day in its own time zone."""

    day: date
    since: datetime
    until: datetime

    @property
    def seconds(self) -> float:
        """86,400, or an hour more or less where clocks change."""
        return (self.until - self.since).total_seconds()


def day_of(camera: Camera, day: date) -> Day:
    zone = zoneinfo.ZoneInfo(camera.zone_name)
    since = datetime.combine(day, clock_time.min, zone)
    until = datetime.combine(day + timedelta(days=1), clock_time.min, zone)
    return Day(day, since.astimezone(zoneinfo.ZoneInfo("UTC")), until.astimezone(zoneinfo.ZoneInfo("UTC")))


def segments_for(user: Viewer) -> QuerySet[Segment]:
    """Segments of the cameras whose pictures a user may see."""
    cameras = cameras_for(user, Capability.SEE_RECORDINGS).order_by().values("pk")
    return Segment.objects.filter(camera__in=cameras)


def segments_between(user: Viewer, camera: Camera, since: datetime, until: datetime) -> QuerySet[Segment]:
    """Segments that touch the span, in order of time."""
    # A segment is short, so the index on its beginning finds those that began just before the span.
    early = since - timedelta(minutes=2)
    return (
        segments_for(user)
        .filter(camera=camera, started_at__gte=early, started_at__lt=until, ended_at__gte=since)
        .order_by("started_at", "pk")
    )


def segments_seen(
    user: Viewer, camera: Camera, since: datetime, until: datetime, purpose: str
) -> QuerySet[Segment]:
    """The same for a person who looks: when somebody was in view is on record as seen before it is told."""
    with transaction.atomic():
        audit.record_access(
            action="segment.list",
            object_type="camera",
            object_id=str(camera.pk),
            camera_id=camera.pk,
            details={"since": since, "until": until},
            acting_user=user,
            purpose=purpose,
        )
    return segments_between(user, camera, since, until)


def segments_of_event(user: Viewer, event: Event) -> list[Segment]:
    """The clip of an event: what was recorded around it."""
    return list(
        segments_between(
            user, event.camera, event.first_seen_at - BEFORE_EVENT, event.last_seen_at + AFTER_EVENT
        )
    )


def days_recorded(user: Viewer, camera: Camera) -> list[date]:
    """The camera's days that have segments, the newest first."""
    zone = zoneinfo.ZoneInfo(camera.zone_name)
    days = segments_for(user).filter(camera=camera).annotate(day=TruncDate("started_at", tzinfo=zone))
    return list(days.order_by("-day").values_list("day", flat=True).distinct()[:MOST_DAYS])


def original_days(camera: Camera) -> list[OriginalKey]:
    """Days of a camera that have a living key, the newest first, each with `sealed`: how many originals.

    The camera was looked up by the asker.
    """
    keys = OriginalKey.objects.filter(camera_id=camera.pk, destroyed_at=None)
    return list(keys.annotate(sealed=Count("segments")).order_by("-day"))


def segment_look_up(user: Viewer, segment_id: object, *, purpose: str = "") -> Segment:
    """The segment without an access record; the same answer for a missing and for a forbidden one."""
    key = as_uuid(segment_id)
    segment = segments_for(user).select_related("camera").filter(pk=key).first() if key else None
    if segment is not None:
        return segment
    if key and Segment.objects.filter(pk=key).exists():
        refusal_record(user, "segment", key, Capability.SEE_RECORDINGS, purpose)
    raise NotFound(_("recording"))
