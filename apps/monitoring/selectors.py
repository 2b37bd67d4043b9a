"""The health of the installation as the pages show it, alerts, and what follows from leaks."""

import contextlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.accounts.roles import Capability, require
from apps.cameras.grants import Viewer
from apps.cameras.models import Camera
from apps.cameras.selectors import by_key, cameras_visible_to, refusal_record
from apps.core.errors import NotFound
from apps.monitoring.heartbeats import Heartbeat, heartbeats_or_none
from apps.monitoring.models import Alert, AlertState, LeakGuard, LeakHour, LeakSample
from apps.monitoring.queues import ResultsLag, queue_depths, results_lag
from apps.monitoring.readiness import Check, readiness


@dataclass(frozen=True, slots=True)
class SystemHealth:
    """`processes` and `results` are None while Redis does not answer."""

    checks: list[Check]
    processes: list[Heartbeat] | None
    queues: dict[str, int]
    results: ResultsLag | None

    @property
    def ready(self) -> bool:
        return all(check.ok for check in self.checks)


def system_health(user: Any) -> SystemHealth:
    """Raises Forbidden when the role may not see it."""
    require(user, Capability.SEE_HEALTH)
    lag = None
    with contextlib.suppress(redis.RedisError):
        lag = results_lag()
    return SystemHealth(readiness(), heartbeats_or_none(), queue_depths(), lag)


def leak_guard(camera: Camera) -> LeakGuard:
    """What follows from leaks of a camera; one without leaks has a guard that asks for nothing."""
    return LeakGuard.objects.filter(camera=camera).first() or LeakGuard(camera=camera)


def exports_allowed(camera: Camera | UUID) -> bool:
    """Whether pictures of a camera may be handed out; not while its leaks wait for their review."""
    key = camera.pk if isinstance(camera, Camera) else camera
    return not LeakGuard.objects.filter(camera_id=key, exports_quarantined_at__isnull=False).exists()


def policy_is_raised(camera: Camera) -> bool:
    """Whether whole persons are covered, whatever the camera's own settings say.

    Asks no query where the guard was selected together with the camera.
    """
    guard: LeakGuard | None = getattr(camera, "leak_guard", None)
    return guard is not None and guard.policy_raised_at is not None


def leak_hours(camera: Camera, hours: int) -> QuerySet[LeakHour]:
    """The newest hours with second looks, newest first."""
    return LeakHour.objects.filter(camera=camera).order_by("-hour", "kind")[:hours]


def leak_finds(camera: Camera) -> QuerySet[LeakSample]:
    """Second looks that found a bare face, newest first."""
    return LeakSample.objects.filter(camera=camera, leaks__gt=0).order_by("-at", "-pk")


def alerts_for(user: Viewer) -> QuerySet[Alert]:
    """Alerts of the cameras that a user may know of."""
    cameras = cameras_visible_to(user).order_by().values("pk")
    return Alert.objects.filter(camera__in=cameras).select_related("camera__site")


def alerts_open(user: Viewer) -> QuerySet[Alert]:
    return alerts_for(user).exclude(state=AlertState.CLOSED)


def alert_get(user: Viewer, alert_id: object) -> Alert:
    """Missing and forbidden raise the same NotFound."""
    require(user, Capability.SEE_CAMERAS)
    alert = by_key(alerts_for(user), alert_id).first()
    if alert is not None:
        return alert
    hidden = by_key(Alert.objects.all(), alert_id).first()
    if hidden is not None:
        refusal_record(user, "alert", hidden.pk, Capability.SEE_CAMERAS)
    raise NotFound(_("alert"))
