"""Events, readings, states: searched inside what a user may see."""

from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.roles import Capability
from apps.audit import services as audit
from apps.cameras.grants import Viewer
from apps.cameras.selectors import as_uuid, by_key, cameras_for, refusal_record
from apps.core.errors import NotFound
from apps.detections.accounts import Accounting, accounting_for
from apps.detections.feed import feed_after, feed_head
from apps.detections.folding import fold
from apps.detections.looks import model_of
from apps.detections.models import CameraRuntime, Event, Reading

__all__ = [
    "Accounting",
    "accounting_for",
    "camera_states",
    "event_get",
    "event_look_up",
    "events_search",
    "feed_after",
    "feed_head",
    "labels_seen",
    "reading_look_up",
    "readings_search",
    "triageable",
]

Row = TypeVar("Row", bound=models.Model)


def events_search(
    user: Viewer,
    *,
    camera: object = None,
    site: object = None,
    label: str = "",
    status: str = "",
    zone: object = None,
    since: datetime | None = None,
    until: datetime | None = None,
    text: str = "",
    upper: str = "",
    lower: str = "",
) -> QuerySet[Event]:
    """Events of the cameras whose events `user` may read, newest first.

    `text` is looked for in the class, in what classifiers said and in the readings, look-alike letters being
    the same.
    """
    events = Event.objects.select_related("camera", "camera__site").prefetch_related("zones")
    events = _of_cameras(events, user, camera, site)
    events = _between(events, "first_seen_at", since, until)
    if label:
        events = events.filter(label=label)
    if status:
        events = events.filter(status=status)
    if upper:
        events = events.filter(upper_colour=upper)
    if lower:
        events = events.filter(lower_colour=lower)
    if zone:
        events = _related(events, "zones", zone)
    if text.strip():
        events = events.filter(_event_text(text))
    return events.order_by("-first_seen_at", "-id")


def _event_text(text: str) -> Q:
    by_label = Q(label__icontains=text.strip().replace("\x00", ""))
    folded = fold(text)
    if not folded:
        return by_label
    by_label |= Q(attribute_text__contains=folded)
    return by_label | Q(Exists(Reading.objects.filter(event=OuterRef("pk"), folded__contains=folded)))


def readings_search(
    user: Viewer,
    *,
    camera: object = None,
    site: object = None,
    text: str = "",
    script: str = "",
    zone: object = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Reading]:
    """Readings of the cameras whose events `user` may read, newest first."""
    readings = Reading.objects.select_related("camera", "camera__site", "zone")
    readings = _of_cameras(readings, user, camera, site)
    readings = _between(readings, "read_at", since, until)
    if script:
        readings = readings.filter(script=script)
    if zone:
        readings = _related(readings, "zone", zone)
    if text.strip():
        folded = fold(text)
        readings = readings.filter(folded__contains=folded) if folded else readings.none()
    return readings.order_by("-read_at", "-id")


def _key(value: object) -> object:
    return value.pk if isinstance(value, models.Model) else value


def _related(rows: QuerySet[Row], field: str, value: object) -> QuerySet[Row]:
    """Rows that belong to one object named from outside; a name that is no UUID belongs to nothing."""
    key = as_uuid(_key(value))
    return rows.none() if key is None else rows.filter(**{field: key})


def _of_cameras(rows: QuerySet[Row], user: Viewer, camera: object, site: object) -> QuerySet[Row]:
    cameras = cameras_for(user, Capability.SEE_EVENTS).order_by()
    if site:
        cameras = _related(cameras, "site", site)
    if camera:
        return rows.filter(camera__in=by_key(cameras, _key(camera)).values("pk"))
    # Asked row by row, the newest first: given a list, SQLite reads and sorts all rows of these cameras.
    return rows.filter(Exists(cameras.filter(pk=OuterRef("camera"))))


def _between(
    rows: QuerySet[Row], field: str, since: datetime | None, until: datetime | None
) -> QuerySet[Row]:
    if since is not None:
        rows = rows.filter(**{f"{field}__gte": since})
    if until is not None:
        rows = rows.filter(**{f"{field}__lt": until})
    return rows


def event_look_up(user: Viewer, event_id: object, *, purpose: str = "") -> Event:
    """The event without an access record: for a service that writes one of its own.

    A forbidden attempt is written into the record; the answer is the same as for a missing event.
    """
    key = as_uuid(event_id)
    event = events_search(user).filter(pk=key).first() if key else None
    if event is not None:
        return event
    if key and Event.objects.filter(pk=key).exists():
        refusal_record(user, "event", key, Capability.SEE_EVENTS, purpose)
    raise NotFound(_("event"))


def event_get(user: Viewer, event_id: object, purpose: str) -> Event:
    """The event with its zones, readings and flags; who looks at it is on record before the answer."""
    event = event_look_up(user, event_id, purpose=purpose)
    with transaction.atomic():
        audit.record_access(
            action="event.view",
            object_type="event",
            object_id=str(event.pk),
            camera_id=event.camera_id,
            details={"model": model_of(event)},
            acting_user=user,
            purpose=purpose,
        )
    models.prefetch_related_objects([event], "readings", "flags", "model_version")
    return event


def reading_look_up(user: Viewer, reading_id: object, *, purpose: str = "") -> Reading:
    key = as_uuid(reading_id)
    reading = readings_search(user).filter(pk=key).first() if key else None
    if reading is not None:
        return reading
    if key and Reading.objects.filter(pk=key).exists():
        refusal_record(user, "reading", key, Capability.SEE_EVENTS, purpose)
    raise NotFound(_("reading"))


def triageable(user: Viewer, event: Event) -> bool:
    """Whether the buttons of triage are of any use to `user`."""
    return cameras_for(user, Capability.TRIAGE_EVENTS).filter(pk=event.camera_id).exists()


def labels_seen(user: Viewer) -> list[str]:
    """The classes for the filter of the events page.

    There are few, and an index knows them; asked in one question with the cameras, every event would be read.
    """
    events = _of_cameras(Event.objects.all(), user, None, None)
    labels = Event.objects.order_by("label").values_list("label", flat=True).distinct()
    return [label for label in labels if events.filter(label=label).exists()]


def camera_states(user: Viewer) -> dict[UUID, CameraRuntime]:
    """The newest status of each camera that `user` may know of; a camera that never reported is absent."""
    cameras = cameras_for(user, Capability.SEE_CAMERAS).order_by().values("pk")
    return {row.camera_id: row for row in CameraRuntime.objects.filter(camera__in=cameras)}
