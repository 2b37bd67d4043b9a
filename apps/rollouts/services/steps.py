"""Starting and growing. Persons alone do this; a guard that is not clear, or not alive, stands against it."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
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
    """Let the candidate see its first cameras. Blue/green begins as a shadow of all, to be warm."""
    require(acting_user, Capability.MANAGE_ROLLOUTS)
    candidate_check(rollout.candidate)
    comparison_check(rollout.base, rollout.candidate, rollout.strategy, rollout.override)
    base = serving().get(Stage(rollout.stage))
    if base is None or base.pk != rollout.base_id:
        raise Conflict("base_changed", _("Another version serves this stage now: prepare the rollout again."))
    cameras = list(Camera.objects.filter(enabled=True))
    if not members_of(rollout, cameras):
        raise DomainError("no_cameras", _("No camera that is switched on belongs to this rollout."))
    percent = 0 if rollout.strategy == Strategy.BLUE_GREEN else _first(rollout, cameras)
    at = now()
    try:
        with transaction.atomic():
            values = _stepped(percent, at) | {
                "state": RolloutState.RUNNING,
                "started_at": at,
                "started_by": acting_user,
            }
            change(
                rollout, version, values, only=(RolloutState.DRAFT,), action="start", acting_user=acting_user
            )
    except IntegrityError as error:
        raise Conflict("stage_busy", _("Another rollout of this stage is running. End it first.")) from error
    return rollout


def _stepped(percent: int, at: datetime) -> dict[str, Any]:
    """A new step: what the guards saw before does not count for it."""
    return {"percent": percent, "stepped_at": at, "verdict": Verdict.HOLD.value, "guarded_at": at}


def _first(rollout: Rollout, cameras: list[Camera]) -> int:
    """The first step that reaches a camera: one that reaches none proves nothing.

    A canary never begins with all cameras: there are two persons for that.
    """
    below = [step for step in rollout.steps if step < WHOLE or rollout.strategy == Strategy.SHADOW]
    for step in below:
        if cameras_reached(rollout, cameras, step):
            return int(step)
    raise DomainError(
        "no_first_camera",
        _("No step below 100 % reaches a camera, because there are too few: pin one."),
    )


def next_percent(rollout: Rollout, cameras: list[Camera]) -> int | None:
    """The next step that reaches more cameras than the one now; None at the last."""
    if rollout.strategy in (Strategy.SHADOW, Strategy.AB) or rollout.percent >= WHOLE:
        return None
    now_reached = cameras_reached(rollout, cameras)
    for step in rollout.steps:
        if step > rollout.percent and (
            step == WHOLE or cameras_reached(rollout, cameras, step) != now_reached
        ):
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
            values, action = _stepped(percent, now()), "promote"
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


def rollout_approve(*, acting_user: User, rollout: Rollout, version: int) -> Rollout:
    """The second person gives the candidate all cameras. Never who started it or asked for it."""
    _check_second(acting_user, rollout)
    require_clear(rollout)
    with transaction.atomic():
        values = _stepped(WHOLE, now()) | {"state": RolloutState.RUNNING, "approved_by": acting_user}
        change(
            rollout, version, values, only=(RolloutState.WAITING,), action="approve", acting_user=acting_user
        )
    return rollout


def rollout_decline(*, acting_user: User, rollout: Rollout, version: int) -> Rollout:
    """The second person says no: the rollout stays at its step."""
    _check_second(acting_user, rollout)
    with transaction.atomic():
        values = {"state": RolloutState.RUNNING, "requested_by": None}
        change(
            rollout, version, values, only=(RolloutState.WAITING,), action="decline", acting_user=acting_user
        )
    return rollout


def _check_second(user: User, rollout: Rollout) -> None:
    """Before the transaction: a refused attempt stays on record."""
    require(user, Capability.APPROVE_ROLLOUTS)
    if user.pk not in (rollout.started_by_id, rollout.requested_by_id):
        return
    audit.record_refusal(
        action="rollout.self_approval", object_type="rollout", object_id=str(rollout.pk), acting_user=user
    )
    raise DomainError(
        "second_person_required",
        _("All cameras take two persons: somebody else than who started or asked has to approve."),
        HTTPStatus.FORBIDDEN,
    )
