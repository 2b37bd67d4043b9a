"""The second person: all cameras are given by somebody else than who started or asked."""

from http import HTTPStatus

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.core.clock import now
from apps.core.errors import DomainError
from apps.rollouts.models import Rollout, RolloutState, Strategy
from apps.rollouts.services.changes import change
from apps.rollouts.services.ends import end, given_at_once
from apps.rollouts.services.steps import WHOLE, require_clear, stepped


def rollout_approve(*, acting_user: User, rollout: Rollout, version: int) -> Rollout:
    """The second person gives the candidate all cameras. Never who started it or asked for it."""
    _check_second(acting_user, rollout)
    if rollout.strategy == Strategy.AT_ONCE:
        return given_at_once(acting_user=acting_user, rollout=rollout, version=version)
    require_clear(rollout)
    with transaction.atomic():
        values = stepped(WHOLE, now()) | {"state": RolloutState.RUNNING, "approved_by": acting_user}
        change(
            rollout, version, values, only=(RolloutState.WAITING,), action="approve", acting_user=acting_user
        )
    return rollout


def rollout_decline(*, acting_user: User, rollout: Rollout, version: int) -> Rollout:
    """The second person says no: the rollout stays at its step; what has no steps ends."""
    _check_second(acting_user, rollout)
    with transaction.atomic():
        if rollout.strategy == Strategy.AT_ONCE:
            end(rollout, version, _("declined by the second person"), acting_user=acting_user)
            return rollout
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
