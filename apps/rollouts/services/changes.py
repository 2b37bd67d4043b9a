"""What every change of a rollout shares: compare-and-set, a line in its history, an entry in the record."""

from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.audit import services as audit
from apps.core.errors import Conflict, DomainError
from apps.core.events import publish
from apps.rollouts.history import step_append
from apps.rollouts.models import Rollout

MAX_REASON = 500


def change(
    rollout: Rollout,
    version: int,
    values: dict[str, Any],
    *,
    only: tuple[str, ...],
    action: str,
    acting_user: User | None,
    details: dict[str, Any] | None = None,
) -> None:
    """Move the rollout from one of the states `only`, put it on record, and have the leases follow.

    Inside of a transaction. Raises Conflict when somebody else, or a guard, was faster.
    """
    rows = Rollout.objects.filter(pk=rollout.pk, version=version, state__in=only)
    if not rows.update(**values, version=version + 1):
        raise Conflict(
            "version_conflict",
            _("This rollout changed meanwhile, by a person or by a guard. Load it again and look."),
        )
    rollout.refresh_from_db()
    step_append(rollout, action, acting_user, details)
    record(rollout, action, acting_user, details)
    publish("stages.changed")


def record(
    rollout: Rollout, action: str, acting_user: User | None, details: dict[str, Any] | None = None
) -> None:
    audit.record_change(
        action=f"rollout.{action}",
        object_type="rollout",
        object_id=str(rollout.pk),
        details={
            "stage": rollout.stage,
            "strategy": rollout.strategy,
            "base": rollout.base.name,
            "base_sha256": rollout.base.sha256,
            "candidate": rollout.candidate.name,
            "candidate_sha256": rollout.candidate.sha256,
            "state": rollout.state,
            "percent": rollout.percent,
            **(details or {}),
        },
        acting_user=acting_user,
    )


def reason_checked(text: str, *, field: str = "reason") -> str:
    text = " ".join(text.replace("\x00", "").split())
    if not 3 <= len(text) <= MAX_REASON:
        raise DomainError(
            f"invalid_{field}", _("Say why, in 3 to %(most)d characters.") % {"most": MAX_REASON}
        )
    return text
