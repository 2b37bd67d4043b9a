"""Starting and growing. Persons alone do this; a guard that is not clear, or not alive, stands against it."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.cameras.models import Camera
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError
from apps.registry.selectors import serving
from apps.rollouts.choices import cameras_reached, members_of
from apps.rollouts.guards import Verdict
from apps.rollouts.models import Rollout, RolloutState, Strategy
from apps.rollouts.services.changes import change
from apps.rollouts.services.plans import candidate_check, comparison_check
from inference_workers.contracts.lease import Stage

GUARD_FRESH = timedelta(seconds=30)  # an older look says nothing: the guard may be dead
WHOLE = 100


def rollout_start(*, acting_user: User, rollout: Rollout, version: int) -> Rollout:
    """Let the candidate see its first cameras. Blue/green begins as a shadow of all, to be warm.

    At once there are no first cameras: nothing changes until a second person has approved.
    """
    require(acting_user, Capability.MANAGE_ROLLOUTS)
    candidate_check(rollout.candidate)
    comparison_check(rollout.base, rollout.candidate, rollout.strategy, rollout.override)
    require_base(rollout)
    at = now()
    values: dict[str, Any] = {"started_at": at, "started_by": acting_user}
    if rollout.strategy == Strategy.AT_ONCE:
        values |= {"state": RolloutState.WAITING, "requested_by": acting_user}
    else:
        values |= stepped(_first_percent(rollout), at) | {"state": RolloutState.RUNNING}
    try:
        with transaction.atomic():
            change(
                rollout, version, values, only=(RolloutState.DRAFT,), action="start", acting_user=acting_user
            )
    except IntegrityError as error:
        raise Conflict("stage_busy", _("Another rollout of this stage is running. End it first.")) from error
    return rollout


def require_base(rollout: Rollout) -> None:
    """Raises Conflict when another version than the rollout's base serves the stage."""
    base = serving().get(Stage(rollout.stage))
    if base is None or base.pk != rollout.base_id:
        raise Conflict("base_changed", _("Another version serves this stage now: prepare the rollout again."))


def stepped(percent: int, at: datetime) -> dict[str, Any]:
    """A new step: what the guards saw before does not count for it."""
    return {"percent": percent, "stepped_at": at, "verdict": Verdict.HOLD.value, "guarded_at": at}


def _first_percent(rollout: Rollout) -> int:
    cameras = list(Camera.objects.filter(enabled=True))
    if not members_of(rollout, cameras):
        raise DomainError("no_cameras", _("No camera that is switched on belongs to this rollout."))
    return 0 if rollout.strategy == Strategy.BLUE_GREEN else _first(rollout, cameras)


def _first(rollout: Rollout, cameras: list[Camera]) -> int:
    """The first step that reaches a camera: one that reaches none proves nothing.

    Nothing that is published begins with all of the rollout's cameras: there are two persons for that.
    """
    for step in rollout.steps:
        may = rollout.strategy == Strategy.SHADOW or not reaches_all(rollout, cameras, step)
        if may and cameras_reached(rollout, cameras, step):
            return int(step)
    raise DomainError(
        "no_first_camera",
        _("No step reaches some of the cameras and leaves others as they are: pin one, take more cameras in, "
          "or use blue/green. All cameras at once take two persons."),
    )  # fmt: skip


def reaches_all(rollout: Rollout, cameras: list[Camera], percent: int) -> bool:
    """Whether a step reaches every camera of the rollout, whatever its number says: 99 % of eight may be all,
    and so may be 1 % with all of them pinned."""
    return percent >= WHOLE or members_of(rollout, cameras) <= cameras_reached(rollout, cameras, percent)


def next_percent(rollout: Rollout, cameras: list[Camera]) -> int | None:
    """The next step that reaches more cameras than the one now; None at the last.

    A step that reaches all of them is the last one, 100 %: a second person gives it.
    """
    if rollout.strategy in (Strategy.SHADOW, Strategy.AB) or rollout.percent >= WHOLE:
        return None
    now_reached = cameras_reached(rollout, cameras)
    for step in rollout.steps:
        if step > rollout.percent:
            if reaches_all(rollout, cameras, step):
                return WHOLE
            if cameras_reached(rollout, cameras, step) != now_reached:
                return int(step)
    return None


def rollout_promote(*, acting_user: User, rollout: Rollout, version: int) -> Rollout:
    """The next step. The last one, 100 %, is only asked for here: a second person gives it."""
    require(acting_user, Capability.MANAGE_ROLLOUTS)
    percent = next_percent(rollout, list(Camera.objects.filter(enabled=True)))
    if percent is None:
        raise DomainError("no_further_step", _("This rollout has no further step."))
    require_clear(rollout)
    with transaction.atomic():
        if percent == WHOLE:
            values: dict[str, Any] = {"state": RolloutState.WAITING, "requested_by": acting_user}
            action = "request"
        else:
            values, action = stepped(percent, now()), "promote"
        change(
            rollout,
            version,
            values,
            only=(RolloutState.RUNNING,),
            action=action,
            acting_user=acting_user,
            details={"to": percent},
        )
    return rollout


def require_clear(rollout: Rollout) -> None:
    """Raises unless the guards looked a moment ago and nothing speaks against the next step."""
    if rollout.guarded_at is None or rollout.guarded_at < now() - GUARD_FRESH:
        raise DomainError(
            "guard_silent",
            _("The guards have not looked for more than %(seconds)d seconds: nothing grows without them. "
              "See Health: the control worker or its clock is not running.")
            % {"seconds": GUARD_FRESH.total_seconds()},
            HTTPStatus.CONFLICT,
        )  # fmt: skip
    if rollout.verdict != Verdict.CLEAR:
        raise DomainError(
            "guard_holds",
            _("A guard holds: a limit is passed, or it has too few samples yet. See the guards below."),
            HTTPStatus.CONFLICT,
        )
