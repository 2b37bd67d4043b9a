"""The leak meter: counts second looks, and acts when a camera lets through more than the limit.

Above the limit: an alert, exports of the camera in quarantine, and whole persons covered where the
installation is set so. All three stay until a person has reviewed them (`services.alert_close`).
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce

from apps.audit import services as audit
from apps.cameras.models import Camera
from apps.core.clock import now
from apps.core.errors import Unavailable
from apps.core.events import publish
from apps.detections.feed import FeedLine, feed_append
from apps.detections.models import FeedEntry
from apps.detections.results import Outcome, ResultBatch, text_checked, time_checked, uuid_checked
from apps.monitoring.intervals import exact_interval
from apps.monitoring.models import Alert, AlertKind, AlertState, LeakGuard, LeakHour, LeakSample
from inference_workers.contracts.codec import ContractError
from inference_workers.contracts.leaks import LeakBox
from inference_workers.contracts.results import LeakSample as LeakMessage

WINDOW = timedelta(hours=24)
# One find may be the meter's own mistake; two in a day are looked into.
LEAST_LEAKY = 2
MAX_LEAKS = 64
PER = 10_000
_COUNTS = ("frames", "leaky", "leaks", "on_covers")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeakFigures:
    """What second looks found in a span. Rates are pictures with a leak per 10,000 pictures."""

    frames: int
    leaky: int
    leaks: int
    on_covers: int
    since: datetime | None
    until: datetime

    @property
    def rate(self) -> float:
        return PER * self.leaky / self.frames if self.frames else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Between which rates the true one lies (95 %, Clopper and Pearson)."""
        low, high = exact_interval(self.leaky, self.frames)
        return PER * low, PER * high

    @property
    def low(self) -> float:
        return self.interval[0]

    @property
    def high(self) -> float:
        return self.interval[1]

    def facts(self) -> dict[str, Any]:
        """Counts and rates, rounded, for messages."""
        low, high = self.interval
        return {
            "frames": self.frames,
            "leaky": self.leaky,
            "leaks": self.leaks,
            "on_covers": self.on_covers,
            "per_10000": round(self.rate, 1),
            "low": round(low, 1),
            "high": round(high, 1),
        }

    @property
    def above_limit(self) -> bool:
        """Surely above: the lower end of the interval is, and it is not a single find."""
        return self.leaky >= LEAST_LEAKY and self.interval[0] > settings.LEAK_LIMIT_PER_10000


def leak_figures(camera: Camera | UUID, since: datetime | None = None) -> LeakFigures:
    """The counts of one camera from the hour of `since` on, over all kinds of pictures."""
    key = camera.pk if isinstance(camera, Camera) else camera
    hours = LeakHour.objects.filter(camera_id=key)
    if since is not None:
        hours = hours.filter(hour__gte=_hour(since))
    counts = hours.aggregate(**{name: Coalesce(Sum(name), 0) for name in _COUNTS})
    return LeakFigures(**counts, since=since, until=now())


def leak_sample_apply(message: LeakMessage, batch: ResultBatch) -> Outcome:
    """Count one second look, once; a leak is held against the limit at once."""
    camera_id = uuid_checked(message.camera_id, "camera_id")
    if not 1 <= len(message.sample_id) <= 36 or message.on_covers < 0 or len(message.leaks) > MAX_LEAKS:
        raise ContractError(f"LeakSample: expected an id and counts that can be, got {message!r:.200}")
    if not batch.has_camera(camera_id):
        return Outcome.UNKNOWN
    _row, created = LeakSample.objects.get_or_create(pk=message.sample_id, defaults=_values(message))
    if not created:
        return Outcome.REPEATED
    _count(camera_id, message)
    if message.leaks:
        leaks_judge(camera_id)
    return Outcome.APPLIED


def _values(message: LeakMessage) -> dict[str, Any]:
    return {
        "camera_id": message.camera_id,
        "at": time_checked(message.at),
        "kind": message.kind.value,
        "epoch": text_checked(message.epoch, 36),
        "frame_seq": message.seq,
        "lease_id": text_checked(message.lease_id, 36),
        "leaks": len(message.leaks),
        "on_covers": message.on_covers,
        "boxes": [_box(leak) for leak in message.leaks],
        "lookers": [text_checked(name, 60) for name in message.lookers[:8]],
    }


def _box(leak: LeakBox) -> dict[str, Any]:
    return {
        "box_xyxy": [round(side, 4) for side in leak.box_xyxy],
        "score": round(leak.score, 3),
        "looker": text_checked(leak.looker, 60),
    }


def _count(camera_id: UUID, message: LeakMessage) -> None:
    row, _created = LeakHour.objects.get_or_create(
        camera_id=camera_id, hour=_hour(time_checked(message.at)), kind=message.kind.value
    )
    LeakHour.objects.filter(pk=row.pk).update(
        frames=F("frames") + 1,
        leaky=F("leaky") + (1 if message.leaks else 0),
        leaks=F("leaks") + len(message.leaks),
        on_covers=F("on_covers") + message.on_covers,
    )


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def leaks_judge(camera_id: UUID) -> Alert | None:
    """Hold the last day's counts of a camera against the limit; the alert that is open after that, if any.

    When the record cannot be written nothing is changed, and the clock judges again within a minute.
    """
    try:
        with transaction.atomic():
            return _judge(camera_id)
    except Unavailable:
        logger.exception("leaks of camera %s: not judged, the record cannot be written", camera_id)
        return None


def _judge(camera_id: UUID) -> Alert | None:
    guard, _created = LeakGuard.objects.select_for_update().get_or_create(camera_id=camera_id)
    figures = _judged_figures(guard)
    alert = Alert.objects.filter(camera_id=camera_id, kind=AlertKind.LEAKS).exclude(state=AlertState.CLOSED)
    opened = alert.first()
    if opened is not None:
        Alert.objects.filter(pk=opened.pk).update(facts=_facts(figures))
        return opened
    return _raise_alert(guard, figures) if figures.above_limit else None


def _judged_figures(guard: LeakGuard) -> LeakFigures:
    """The samples of a day back, but not from before the last review: nothing is held against it twice."""
    since = now() - WINDOW
    if guard.counted_from is not None:
        since = max(since, guard.counted_from)
    samples = LeakSample.objects.filter(camera_id=guard.camera_id, at__gte=since)
    counts = samples.aggregate(
        frames=Count("pk"),
        leaky=Count("pk", filter=Q(leaks__gt=0)),
        leaks=Coalesce(Sum("leaks"), 0),
        on_covers=Coalesce(Sum("on_covers"), 0),
    )
    return LeakFigures(**counts, since=since, until=now())


def _raise_alert(guard: LeakGuard, figures: LeakFigures) -> Alert:
    at = now()
    alert = Alert.objects.create(
        camera_id=guard.camera_id, kind=AlertKind.LEAKS, opened_at=at, changed_at=at, facts=_facts(figures)
    )
    guard.exports_quarantined_at = guard.exports_quarantined_at or at
    raises = settings.LEAK_RAISES_POLICY and guard.policy_raised_at is None
    if raises:
        guard.policy_raised_at = at
        publish("camera.changed", camera_id=str(guard.camera_id))
    guard.version += 1
    guard.save()
    feed_append([FeedLine(FeedEntry.Kind.ALERT_OPENED, guard.camera_id, alert_id=alert.pk)])
    audit.record_system(
        action="leaks.alert",
        object_type="camera",
        object_id=str(guard.camera_id),
        details={**_facts(figures), "alert": str(alert.pk), "quarantined": True, "policy_raised": raises},
    )
    return alert


def _facts(figures: LeakFigures) -> dict[str, Any]:
    return {
        **figures.facts(),
        "limit": settings.LEAK_LIMIT_PER_10000,
        "since": figures.since.isoformat() if figures.since else None,
        "until": figures.until.isoformat(),
    }


def leaks_judge_all() -> int:
    """Judge every camera with a leak within the last day; returns how many alerts are open."""
    leaky = LeakHour.objects.filter(hour__gte=_hour(now() - WINDOW), leaky__gt=0)
    cameras = leaky.order_by().values_list("camera_id", flat=True).distinct()
    return sum(leaks_judge(camera_id) is not None for camera_id in cameras)
