"""The end of a rollout: taken back, by a person or by a guard, or made the rule."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.cameras.models import Camera
from apps.core.clock import now
from apps.core.errors import DomainError
from apps.registry.assigning import stage_give
from apps.rollouts.choices import members_of, serving_candidate
from apps.rollouts.guards import Reading, Verdict
from apps.rollouts.history import serving_note
from apps.rollouts.models import (
    ACTIVE,
    CameraAssignment,
    Rollout,
    RolloutProof,
    RolloutState,
    Strategy,
)
from apps.rollouts.services.changes import change, reason_checked
from apps.rollouts.services.plans import candidate_check, comparison_check
from apps.rollouts.services.steps import WHOLE, require_base, require_clear, stepped

_CHANGES_NOTHING = (Strategy.SHADOW, Strategy.AB)


def rollout_roll_back(*, acting_user: User, rollout: Rollout, version: int, reason: str) -> Rollout:
    """Take the candidate away from every camera at once, whatever the guards say."""
    require(acting_user, Capability.MANAGE_ROLLOUTS)
    with transaction.atomic():
        end(rollout, version, reason_checked(reason), acting_user=acting_user)
    return rollout


def end(
    rollout: Rollout,
    version: int,
    reason: str,
    *,
    code: str = "person",
    culprit: Reading | None = None,
    acting_user: User | None = None,
) -> None:
    """End without making the candidate the rule, inside of a transaction.

    Args:
        code: who or what ended it: person, guard, heartbeat, base_changed, candidate_gone, returned.
        culprit: the look of the guard that was passed.
    """
    at = now()
    ran = rollout.state in ACTIVE
    cameras = list(Camera.objects.filter(enabled=True)) if ran else []
    given = serving_candidate(rollout, cameras) if ran else set()
    calm = (
        not ran
        or rollout.strategy == Strategy.AT_ONCE
        or (rollout.strategy in _CHANGES_NOTHING and code == "person")
    )
    details: dict[str, Any] = {"reason": reason, "code": code, "cameras": len(given)}
    if culprit is not None:
        details["guard"] = asdict(culprit)
    change(
        rollout,
        version,
        {
            "state": RolloutState.STOPPED if calm else RolloutState.ROLLED_BACK,
            "ended_at": at,
            "end_reason": reason,
            "report": {
                "code": code,
                "guard": asdict(culprit) if culprit else None,
                "percent": rollout.percent,
            },
            "percent": 0,
        },
        only=(RolloutState.DRAFT, *ACTIVE),
        action="stop" if calm else "roll_back",
        acting_user=acting_user,
        details=details,
    )
    RolloutProof.objects.bulk_create(
        [RolloutProof(rollout=rollout, camera_id=camera, since=at) for camera in sorted(given)]
    )


def rollout_finish(*, acting_user: User, rollout: Rollout, version: int) -> Rollout:
    """Make the candidate the rule for its cameras. It serves all of them already, given by two persons."""
    require(acting_user, Capability.MANAGE_ROLLOUTS)
    if rollout.approved_by_id is None or rollout.state != RolloutState.RUNNING:
        raise DomainError(
            "not_approved",
            _("A rollout is finished after a second person has given the candidate all cameras."),
            HTTPStatus.CONFLICT,
        )
    require_clear(rollout)
    with transaction.atomic():
        serving_note("before")
        _assign(rollout)
        change(
            rollout,
            version,
            {
                "state": RolloutState.DONE,
                "ended_at": now(),
                "report": {"code": "finished", "guard": None, "percent": rollout.percent},
                "verdict": Verdict.CLEAR.value,
            },
            only=(RolloutState.RUNNING,),
            action="finish",
            acting_user=acting_user,
        )
        serving_note("rollout", acting_user)
    return rollout


def given_at_once(*, acting_user: User, rollout: Rollout, version: int) -> Rollout:
    """What a second person approved without a trial: the candidate is the rule from now on.

    For `rollout_approve`, which has asked who that person is.
    """
    candidate_check(rollout.candidate)
    comparison_check(rollout.base, rollout.candidate, rollout.strategy, rollout.override)
    require_base(rollout)
    with transaction.atomic():
        serving_note("before")
        _assign(rollout)
        values = stepped(WHOLE, now()) | {
            "state": RolloutState.DONE,
            "approved_by": acting_user,
            "ended_at": now(),
            "report": {"code": "finished", "guard": None, "percent": WHOLE},
        }
        change(
            rollout, version, values, only=(RolloutState.WAITING,), action="approve", acting_user=acting_user
        )
        serving_note("rollout", acting_user)
    return rollout


def _assign(rollout: Rollout) -> None:
    """The stage as a whole when the rollout was about everything; else the cameras it was about.

    A camera whose own version was the base had the candidate as all others, and keeps it.
    """
    cameras = list(Camera.objects.all())
    members = members_of(rollout, cameras)
    rows = CameraAssignment.objects.filter(stage=rollout.stage)
    own = set(rows.values_list("camera_id", flat=True))
    if any(rollout.scope.values()):
        _give(rollout.stage, rollout.candidate_id, members - own)
        rows.filter(camera__in=members, version=rollout.base).update(version=rollout.candidate)
        return
    rows.filter(camera__in=members, version__in=(rollout.base, rollout.candidate)).delete()
    left_out = {camera.pk for camera in cameras if str(camera.pk) in rollout.excluded}
    _give(rollout.stage, rollout.base_id, left_out - own)
    stage_give(stage=rollout.stage, version=rollout.candidate)


def _give(stage: str, version_id: Any, cameras: set[Any]) -> None:
    CameraAssignment.objects.bulk_create(
        [CameraAssignment(camera_id=camera, stage=stage, version_id=version_id) for camera in sorted(cameras)]
    )
