"""The look of the guards: the clock calls it every few seconds. It ends rollouts and never grows one."""

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from apps.cameras.models import Camera
from apps.core.clock import now
from apps.core.context import audit_context, system_context
from apps.core.errors import Conflict
from apps.registry.choice import usable
from apps.registry.selectors import serving
from apps.rollouts.choices import running_candidate
from apps.rollouts.guards import Reading, Verdict, guards_of, judge, read, readings_of
from apps.rollouts.models import (
    ACTIVE,
    GuardLook,
    Rollout,
    RolloutProof,
    Strategy,
    VersionRole,
    VersionWindow,
)
from apps.rollouts.services.ends import end
from apps.rollouts.tallies import looks_of
from inference_workers.contracts.lease import Stage

logger = logging.getLogger(__name__)


def guards_look(at: datetime | None = None) -> int:
    """Judge every rollout that runs; returns how many were taken back."""
    at = at or now()
    ended = 0
    with audit_context(system_context("guard")):
        running = Rollout.objects.filter(state__in=ACTIVE).exclude(strategy=Strategy.AT_ONCE)
        for rollout in running.select_related("base", "candidate"):
            try:
                ended += _look(rollout, at)
            except Conflict:
                logger.info("rollout %s: a person was faster than its guards", rollout.pk)
    return ended


def _look(rollout: Rollout, at: datetime) -> bool:
    cameras = running_candidate(rollout, list(Camera.objects.filter(enabled=True)))
    newest = _newest(rollout, cameras)
    broken = _broken(rollout, newest, at)
    if broken:
        _take_back(rollout, broken[0], broken[1], None)
        return True
    fresh = newest is not None and (rollout.looked_until is None or newest > rollout.looked_until)
    readings = _readings(rollout, cameras, at, fresh=fresh)
    verdict, culprit = judge(readings)
    look = GuardLook(
        rollout=rollout,
        at=at,
        verdict=verdict.value,
        percent=rollout.percent,
        cameras=len(cameras),
        readings=[asdict(reading) for reading in readings],
    )
    _keep(rollout, look, newest)
    if verdict is not Verdict.BREACH or culprit is None:
        return False
    reason = _("The guard %(metric)s was passed: %(value).3g, the limit is %(limit).3g.") % {
        "metric": culprit.metric.value,
        "value": culprit.value,
        "limit": culprit.limit,
    }
    _take_back(rollout, "guard", reason, culprit)
    return True


def _newest(rollout: Rollout, cameras: set[Any]) -> datetime | None:
    """When the candidate was last heard of on the cameras that it was given."""
    rows = VersionWindow.objects.filter(
        version=rollout.candidate_id,
        stage=rollout.stage,
        camera__in=cameras,
        started_at__gte=rollout.started_at or now(),
    )
    return rows.order_by("-ended_at").values_list("ended_at", flat=True).first()


def _broken(rollout: Rollout, newest: datetime | None, at: datetime) -> tuple[str, str] | None:
    """What ends a rollout whatever its figures are: a code and a sentence."""
    base = serving().get(Stage(rollout.stage))
    if base is None or base.pk != rollout.base_id:
        return "base_changed", _("Another version was given to the stage meanwhile.")
    if not usable(rollout.candidate):
        return "candidate_gone", _("The candidate cannot be used any more.")
    heard = max(filter(None, (newest, rollout.stepped_at)), default=at)
    silent = (at - heard).total_seconds()
    if silent > settings.ROLLOUT_HEARTBEAT_S:
        return "heartbeat", _("Nothing was heard of the candidate for %(seconds)d seconds.") % {
            "seconds": silent
        }
    return None


def _readings(rollout: Rollout, cameras: set[Any], at: datetime, *, fresh: bool) -> list[Reading]:
    guards = guards_of(rollout.guards)
    before = {reading.metric: reading for reading in readings_of(rollout.readings)}
    looks = looks_of(rollout, guards, cameras, at)
    return [read(guard, looks[guard.metric], before.get(guard.metric), fresh=fresh) for guard in guards]


def _keep(rollout: Rollout, look: GuardLook, newest: datetime | None) -> None:
    """Not a change of the rollout: its number of changes stays, so that a look is in nobody's way."""
    with transaction.atomic():
        Rollout.objects.filter(pk=rollout.pk, version=rollout.version).update(
            readings=look.readings,
            verdict=look.verdict,
            guarded_at=look.at,
            looked_until=newest or rollout.looked_until,
        )
        look.save()


def _take_back(rollout: Rollout, code: str, reason: str, culprit: Reading | None) -> None:
    with transaction.atomic():
        end(rollout, rollout.version, reason, code=code, culprit=culprit)
    logger.warning("rollout %s of %s taken back: %s", rollout.pk, rollout.candidate.name, reason)


def proofs_check() -> int:
    """Note for each camera that was taken back when its results carried the base's hash again.

    One question for all: those of cameras that were switched off stay without an answer for ever.
    """
    answers = VersionWindow.objects.filter(
        camera=OuterRef("camera"),
        stage=OuterRef("rollout__stage"),
        version=OuterRef("rollout__base"),
        role=VersionRole.SERVING,
        sha256=OuterRef("rollout__base__sha256"),
        started_at__gte=OuterRef("since") - timedelta(seconds=1),
    ).order_by("started_at")
    first = Subquery(answers.values("started_at")[:1])
    waiting = RolloutProof.objects.filter(proved_at=None).annotate(first=first).exclude(first=None)
    proved = 0
    for proof in waiting.select_related("rollout__base"):
        proved += RolloutProof.objects.filter(pk=proof.pk, proved_at=None).update(
            proved_at=proof.first, sha256=proof.rollout.base.sha256
        )
    return proved
