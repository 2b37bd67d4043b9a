"""Looking for a person in what is kept: by time, place, class, clothes and text, in redacted material alone.

Nothing here looks at a face. Each search is on record with its terms, as every list of what cameras saw is.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera
from apps.cameras.selectors import cameras_watchable_by
from apps.cases.models import Case, CaseItem
from apps.core.errors import DomainError
from apps.detections.looks import events_seen, readings_seen
from apps.detections.models import Event, Reading
from apps.detections.selectors import events_search, readings_search
from apps.recordings.models import Segment
from apps.recordings.selectors import segments_for
from apps.redactions.models import Redaction
from apps.redactions.selectors import redactions_of

SHOWN = 100
MAX_SPAN = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Terms:
    """When, where (no camera: all of them), and what the person looked like to the product."""

    since: datetime
    until: datetime
    cameras: tuple[UUID, ...] = ()
    label: str = ""
    text: str = ""
    upper: str = ""
    lower: str = ""

    @property
    def of_events_alone(self) -> bool:
        """Whether they ask for what only events have."""
        return bool(self.label or self.upper or self.lower)


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found, at most `SHOWN` of each kind; `more` names kinds of which there is more.

    `watchable`: the cameras whose pictures the person who searches may see. `collected`: what the request
    holds already, as (kind, id).
    """

    events: Sequence[Event]
    readings: Sequence[Reading]
    segments: Sequence[Segment]
    files: Sequence[Redaction]
    more: frozenset[str]
    watchable: frozenset[UUID]
    collected: frozenset[tuple[str, UUID]]


def case_search(*, acting_user: User, case: Case, terms: Terms, purpose: str) -> Hits:
    require(acting_user, Capability.RUN_CASES)
    if not terms.since < terms.until or terms.until - terms.since > MAX_SPAN:
        raise DomainError(
            "invalid_span",
            _("A search covers a span that ends after its beginning, and %(most)d days at most.")
            % {"most": MAX_SPAN.days},
        )
    told = {"case": case.reference, **{name: _plain(value) for name, value in asdict(terms).items() if value}}
    more: set[str] = set()
    events = _cut("event", _of_cameras(_events(acting_user, terms), terms), more)
    readings = _cut("reading", _of_cameras(_readings(acting_user, terms), terms), more)
    segments = _cut("segment", _of_cameras(_segments(acting_user, terms), terms), more)
    events_seen(acting_user, events, told, purpose)
    readings_seen(acting_user, readings, told, purpose)
    _segments_listed(acting_user, segments, told, purpose)
    return Hits(
        events,
        readings,
        segments,
        _cut("file", redactions_of(acting_user).filter(created_at__range=(terms.since, terms.until)), more),
        frozenset(more),
        frozenset(cameras_watchable_by(acting_user).values_list("pk", flat=True)),
        frozenset(CaseItem.objects.filter(case=case).values_list("kind", "object_id")),
    )


def _events(user: User, terms: Terms) -> QuerySet[Event]:
    """Tracks that were in view at any moment of the span."""
    rows = events_search(
        user, label=terms.label, text=terms.text, upper=terms.upper, lower=terms.lower, until=terms.until
    )
    return rows.filter(last_seen_at__gte=terms.since).order_by("first_seen_at", "pk")


def _readings(user: User, terms: Terms) -> QuerySet[Reading]:
    if terms.of_events_alone:
        return Reading.objects.none()
    return readings_search(user, text=terms.text, since=terms.since, until=terms.until).order_by(
        "read_at", "pk"
    )


def _segments(user: User, terms: Terms) -> QuerySet[Segment]:
    if terms.of_events_alone or terms.text:
        return Segment.objects.none()
    rows = segments_for(user).select_related("camera")
    return rows.filter(started_at__lt=terms.until, ended_at__gte=terms.since).order_by("started_at", "pk")


def _of_cameras(rows: QuerySet[Any], terms: Terms) -> QuerySet[Any]:
    return rows.filter(camera__in=terms.cameras) if terms.cameras else rows


def _cut(kind: str, rows: QuerySet[Any], more: set[str]) -> list[Any]:
    found: list[Model] = list(rows[: SHOWN + 1])
    if len(found) > SHOWN:
        more.add(kind)
    return found[:SHOWN]


def _segments_listed(user: User, segments: Sequence[Segment], told: dict[str, Any], purpose: str) -> None:
    """One row per camera: when somebody was recorded says who was there."""
    cameras: dict[UUID, Camera] = {row.camera_id: row.camera for row in segments}
    with transaction.atomic():
        for camera in cameras.values():
            audit.record_access(
                action="segment.list",
                object_type="camera",
                object_id=str(camera.pk),
                camera_id=camera.pk,
                details=told,
                acting_user=user,
                purpose=purpose,
            )


def _plain(value: object) -> object:
    return [str(item) for item in value] if isinstance(value, tuple) else value
