"""What `benchmarks.rollout_streams` asks and does in its installation, through the product's own services."""

import os
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
django.setup()

from apps.accounts.models import User  # noqa: E402 - after django.setup
from apps.cameras.models import Camera  # noqa: E402
from apps.cameras.services import camera_update  # noqa: E402
from apps.core.clock import now  # noqa: E402
from apps.core.errors import DomainError  # noqa: E402
from apps.detections.models import CameraRuntime, FrameAccount  # noqa: E402
from apps.registry.models import ModelVersion  # noqa: E402
from apps.rollouts import services  # noqa: E402
from apps.rollouts.guards import DEFAULT_GUARDS, Metric  # noqa: E402
from apps.rollouts.models import Rollout, Strategy  # noqa: E402
from apps.rollouts.services.plans import Plan  # noqa: E402
from apps.rollouts.share import is_reached  # noqa: E402

STAGE = "detect"
LEAST_REACHED = 2


@dataclass(frozen=True, slots=True)
class People:
    owner: User
    second: User


def people() -> People:
    """The model owner of the demo, and the administrator as the second person."""
    return People(User.objects.get(username="erin"), User.objects.get(username="adam"))


def analyse(fps: float) -> int:
    """Every camera that is on is looked at `fps` times a second; returns how many there are."""
    cameras = list(Camera.objects.filter(enabled=True))
    for camera in cameras:
        changes = {"analysis_fps": fps}
        camera_update(acting_user=people().second, camera=camera, version=camera.version, changes=changes)
    return len(cameras)


def enabled() -> set[UUID]:
    return set(Camera.objects.filter(enabled=True).values_list("pk", flat=True))


def named(camera: UUID) -> str:
    return Camera.objects.get(pk=camera).name


def begin(
    candidate: ModelVersion, steps: tuple[int, ...], latency: float, *, window_s: int | None = None
) -> Rollout:
    """A canary with the default guards, started by the model owner; `latency` is that guard's limit.

    `window_s` is the window of all of them, where it shall be another one.

    A salt by which the first step reaches fewer cameras than two, or all of them, is left for another one:
    one camera at a look a second has no 50 samples in 30 s, so its guards would hold for ever.
    """
    guards = tuple(
        replace(
            guard,
            limit=latency if guard.metric is Metric.LATENCY else guard.limit,
            window_s=window_s or guard.window_s,
        )
        for guard in DEFAULT_GUARDS
    )
    owner = people().owner
    plan = Plan(
        stage=STAGE, candidate=candidate, strategy=Strategy.CANARY, reason="benchmark on eight streams",
        steps=steps, guards=guards,
    )  # fmt: skip
    while True:
        rollout = services.rollout_create(acting_user=owner, plan=plan)
        reached = expected(rollout, steps[0])
        if LEAST_REACHED <= len(reached) < len(enabled()):
            return services.rollout_start(acting_user=owner, rollout=rollout, version=rollout.version)
        act("roll_back", rollout, owner, reason="another salt")


def fresh(rollout: Rollout) -> Rollout:
    return Rollout.objects.select_related("base", "candidate").get(pk=rollout.pk)


def expected(rollout: Rollout, percent: int) -> set[UUID]:
    """The cameras of a step by the hash alone."""
    return {key for key in enabled() if is_reached(rollout.salt, key, percent)}


def served_by(version: ModelVersion, since: datetime) -> set[UUID]:
    """The cameras whose newest status, no older than `since`, carries the hash of the version."""
    rows = CameraRuntime.objects.filter(at__gte=since)
    return {row.camera_id for row in rows if row.served.get(STAGE) == version.sha256}


def version(name: str) -> ModelVersion | None:
    """None: not announced yet."""
    return ModelVersion.objects.filter(name=name, present=True, problem="").first()


def act(name: str, rollout: Rollout, person: User, **more: Any) -> str:
    """Do a step; the new state, or the code of the refusal."""
    row = fresh(rollout)
    service = getattr(services, f"rollout_{name}")
    try:
        done = service(acting_user=person, rollout=row, version=row.version, **more)
    except DomainError as error:
        return error.code
    return str(done.state)


def accounts() -> Counter[str]:
    """Frames of all runs of all cameras by what became of them."""
    sums: Counter[str] = Counter()
    for row in FrameAccount.objects.all():
        ended = row.analysed + row.in_flight + sum(row.skipped.values()) + sum(row.lost.values())
        sums.update(captured=row.captured, analysed=row.analysed, in_flight=row.in_flight)
        sums.update({"skipped": sum(row.skipped.values()), "unbalanced": row.captured - ended})
        sums.update({f"lost {reason}": count for reason, count in row.lost.items()})
    return sums


def moment() -> datetime:
    return now()
