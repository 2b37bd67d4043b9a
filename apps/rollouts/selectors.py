"""Rollouts and what serves where, for people: names of cameras only as far as they are open to the asker."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.cameras.models import Camera
from apps.cameras.selectors import by_key, cameras_visible_to
from apps.core.clock import now
from apps.core.errors import NotFound
from apps.detections.models import Event, EventFlag
from apps.evaluations.models import Evaluation
from apps.evaluations.selectors import latest_comparison
from apps.registry.choice import STAGE_TASK
from apps.registry.models import ModelVersion
from apps.rollouts.choices import Choice, cameras_reached, choices_for, members_of
from apps.rollouts.figures import shares_differ
from apps.rollouts.guards import limit_line, readings_of
from apps.rollouts.models import ACTIVE, GuardLook, Rollout, ServingEntry, Strategy, VersionWindow
from apps.rollouts.services.steps import GUARD_FRESH, next_percent
from inference_workers.contracts.lease import Stage

PROOF = timedelta(seconds=30)  # a window of results that old says what serves now
CHART_POINTS = 240


def rollouts_all() -> QuerySet[Rollout]:
    return Rollout.objects.select_related(
        "base", "candidate", "created_by", "started_by", "requested_by", "approved_by"
    ).order_by("-created_at", "-pk")


def rollouts_of(version: ModelVersion) -> QuerySet[Rollout]:
    """Those in which the version was to serve or to be replaced."""
    return rollouts_all().filter(Q(candidate=version) | Q(base=version))


def given_singly(version: ModelVersion) -> dict[str, int]:
    """Of how many zones, cascades and single cameras a version is the own one."""
    counts = {"zones": "zone_detectors", "cascades": "cascades", "cameras": "camera_assignments"}
    rows = ModelVersion.objects.filter(pk=version.pk)
    return rows.aggregate(**{name: Count(rows_of, distinct=True) for name, rows_of in counts.items()})


def given_to_parts(user: User) -> list[tuple[ModelVersion, int, int]]:
    """Versions with the zones whose own detector they are, and the cascades whose crops they name."""
    require(user, Capability.SEE_ROLLOUTS)
    rows = ModelVersion.objects.annotate(
        zones=Count("zone_detectors", distinct=True), named=Count("cascades", distinct=True)
    )
    found = rows.filter(Q(zones__gt=0) | Q(named__gt=0)).order_by("name", "pk")
    return [(row, row.zones, row.named) for row in found]


def rollout_get(user: User, rollout_id: object) -> Rollout:
    require(user, Capability.SEE_ROLLOUTS)
    rollout = by_key(rollouts_all(), rollout_id).first()
    if rollout is None:
        raise NotFound(_("rollout"))
    return rollout


def comparison_of(rollout: Rollout) -> Evaluation | None:
    """The newest comparison of its two versions."""
    return latest_comparison(rollout.candidate, rollout.base)


def looks_of_rollout(rollout: Rollout) -> QuerySet[GuardLook]:
    return GuardLook.objects.filter(rollout=rollout).order_by("-at", "-pk")


def entries_all() -> QuerySet[ServingEntry]:
    return ServingEntry.objects.order_by("-number")


def entry_get(user: User, number: int) -> ServingEntry:
    require(user, Capability.SEE_ROLLOUTS)
    entry = entries_all().filter(number=number).first()
    if entry is None:
        raise NotFound(_("entry"))
    return entry


def kept_counts(entry: ServingEntry) -> tuple[int | None, int | None]:
    """Detectors of zones and classifiers of cascades of an entry; None: a release that did not keep them."""
    zones, cascades = entry.contents.get("zones"), entry.contents.get("cascades")
    if zones is None or cascades is None:
        return None, None
    return len(zones), sum(len(items) for items in cascades.values())


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom a rollout reaches: all of its cameras, those of its step, those of the next one.

    `cameras` are those of the step that are open to the asker, by name.
    """

    members: int
    reached: int
    next_percent: int | None
    next_reached: int
    cameras: tuple[Camera, ...]


def reach_of(user: User, rollout: Rollout) -> Reach:
    cameras = list(Camera.objects.filter(enabled=True))
    inside = cameras_reached(rollout, cameras)
    percent = next_percent(rollout, cameras)
    further = cameras_reached(rollout, cameras, percent) if percent is not None else inside
    visible = [camera for camera in cameras_visible_to(user) if camera.pk in inside]
    return Reach(len(members_of(rollout, cameras)), len(inside), percent, len(further), tuple(visible))


def guards_are_fresh(rollout: Rollout) -> bool:
    return rollout.guarded_at is not None and rollout.guarded_at > now() - GUARD_FRESH


@dataclass(slots=True)
class Row:
    """One version on the board: how many cameras it serves and how it does there.

    `proved` counts cameras whose newest results carry its hash; `cameras` are those open to the asker.
    """

    stage: Stage
    version: ModelVersion
    serves: int = 0
    looks_on: int = 0
    proved: int = 0
    cameras: list[Camera] = field(default_factory=list)
    rollout: Rollout | None = None

    @property
    def health(self) -> str:
        """In one word: proved, partly, silent, looking."""
        if not self.serves:
            return "looking"
        if self.proved == self.serves:
            return "proved"
        return "partly" if self.proved else "silent"


def board(user: User) -> dict[Stage, list[Row]]:
    """Versions × cameras, by stage; the version with the most cameras first."""
    require(user, Capability.SEE_ROLLOUTS)
    cameras = list(Camera.objects.filter(enabled=True).select_related("site").order_by("site__name", "name"))
    visible = set(cameras_visible_to(user).order_by().values_list("pk", flat=True))
    rollouts = {row.candidate_id: row for row in rollouts_all().filter(state__in=ACTIVE)}
    proofs = _proofs()
    rows: dict[tuple[Stage, UUID], Row] = {}
    for camera, choice in _by_camera(cameras):
        for stage, version, serves in _parts(choice):
            row = rows.setdefault((stage, version.pk), Row(stage, version, rollout=rollouts.get(version.pk)))
            row.serves += serves
            row.looks_on += not serves
            row.proved += serves and (camera.pk, stage.value) in proofs.get(version.sha256, ())
            if serves and camera.pk in visible:
                row.cameras.append(camera)
    ordered = sorted(rows.values(), key=lambda row: (-row.serves, row.version.name))
    return {stage: [row for row in ordered if row.stage is stage] for stage in STAGE_TASK}


def _by_camera(cameras: Sequence[Camera]) -> Iterable[tuple[Camera, Choice]]:
    choices = choices_for(cameras)
    return ((camera, choices[camera.pk]) for camera in cameras)


def _parts(choice: Choice) -> Iterable[tuple[Stage, ModelVersion, bool]]:
    for stage, version in choice.models.items():
        yield stage, version, True
    for stage, version in choice.shadows.items():
        yield stage, version, False


def _proofs() -> dict[str, set[tuple[UUID, str]]]:
    """By hash: the cameras and stages that it answered for a moment ago."""
    found: dict[str, set[tuple[UUID, str]]] = {}
    rows = VersionWindow.objects.filter(role="serving", ended_at__gt=now() - PROOF).order_by()
    for sha256, camera_id, stage in rows.values_list("sha256", "camera_id", "stage").distinct():
        found.setdefault(sha256, set()).add((camera_id, stage))
    return found


def series_of(rollout: Rollout, *, points: int = CHART_POINTS) -> dict[str, dict[str, Any]]:
    """The lines of every guard's chart, the oldest look first: seconds, base, candidate, and the limit in
    the unit of the candidate (`limit_line`)."""
    looks = list(looks_of_rollout(rollout).values_list("at", "readings")[:points])[::-1]
    found: dict[str, dict[str, Any]] = {}
    for at, readings in looks:
        for reading in readings_of(readings):
            lines = found.setdefault(
                reading.metric.value, {"at": [], "base": [], "candidate": [], "limit": []}
            )
            base, candidate, limit = limit_line(reading)
            lines["at"].append(round(at.timestamp(), 1))
            lines["base"].append(base)
            lines["candidate"].append(candidate)
            lines["limit"].append(limit)
    return found


def answer_of(rollout: Rollout) -> dict[str, Any] | None:
    """The answer of an A/B so far: wrong events of both sides, and whether there are enough of them."""
    if rollout.strategy != Strategy.AB or rollout.started_at is None:
        return None
    until = rollout.ended_at or now()
    wrong = (EventFlag.Reason.WRONG_CLASS, EventFlag.Reason.NOT_THERE)

    def side(version_id: UUID) -> tuple[int, int]:
        events = Event.objects.filter(
            model_version=version_id, first_seen_at__gte=rollout.started_at, first_seen_at__lt=until
        )
        return events.filter(flags__reason__in=wrong).distinct().count(), events.count()

    base, candidate = side(rollout.base_id), side(rollout.candidate_id)
    enough = rollout.sample_size is not None and min(base[1], candidate[1]) >= rollout.sample_size
    return {
        "question": rollout.question,
        "sample_size": rollout.sample_size,
        "base": {"wrong": base[0], "events": base[1]},
        "candidate": {"wrong": candidate[0], "events": candidate[1]},
        "enough": enough,
        "p_value": shares_differ(*base, *candidate),
    }


def report_of(user: User, rollout: Rollout) -> dict[str, Any]:
    """All of a rollout in plain values, for the page, the JSON and the PDF."""
    reach = reach_of(user, rollout)
    return {
        "id": str(rollout.pk),
        "stage": rollout.stage,
        "strategy": rollout.strategy,
        "state": rollout.state,
        "reason": rollout.reason,
        "override": rollout.override,
        "base": _version(rollout.base),
        "candidate": _version(rollout.candidate),
        "members": reach.members,
        "steps": rollout.steps,
        "guards": rollout.guards,
        "readings": rollout.readings,
        "salt": rollout.salt,
        "started_at": _iso(rollout.started_at),
        "ended_at": _iso(rollout.ended_at),
        "end_reason": rollout.end_reason,
        "ended_by": rollout.report,
        "answer": answer_of(rollout),
        "history": [
            {
                "number": step.number,
                "at": _iso(step.at),
                "action": step.action,
                "state": step.state,
                "percent": step.percent,
                "by": step.actor_name,
            }
            for step in rollout.history.all()
        ],
        "proofs": proofs_of(user, rollout),
    }


def proofs_of(user: User, rollout: Rollout) -> dict[str, Any]:
    """How many cameras went back, how many of them proved it, and the slowest; single ones where open."""
    visible = set(cameras_visible_to(user).order_by().values_list("pk", flat=True))
    rows = list(rollout.proofs.all())
    after = [(row.proved_at - row.since).total_seconds() for row in rows if row.proved_at]
    return {
        "cameras": len(rows),
        "proved": len(after),
        "slowest_s": round(max(after), 1) if after else None,
        "single": [
            {"camera": str(row.camera_id), "sha256": row.sha256, "proved_at": _iso(row.proved_at)}
            for row in rows
            if row.camera_id in visible
        ],
    }


def _version(version: ModelVersion) -> dict[str, str]:
    return {"id": str(version.pk), "name": version.name, "sha256": version.sha256}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def proved_between(camera: Camera, at: datetime) -> dict[str, list[str]]:
    """By stage the hashes that the results of a camera carried at a moment, as far as they are kept, the
    newest first: two versions answer in turns for a moment while one takes over."""
    rows = VersionWindow.objects.filter(
        camera=camera, role="serving", started_at__lte=at, ended_at__gte=at
    ).order_by("-started_at", "-ended_at")
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.stage, []).append(row.sha256)
    return found
