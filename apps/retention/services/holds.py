"""Legal holds: placed for a stated reason and time, released with a reason. A hold beats every class."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError
from apps.retention.models import LegalHold

MAX_SPAN = timedelta(days=31)
LONGEST = timedelta(days=2 * 366)
MAX_REASON = 500


def hold_place(
    *,
    acting_user: User,
    camera: Camera,
    since: datetime,
    until: datetime,
    reason: str,
    expires_at: datetime,
    case: str = "",
    event_id: UUID | None = None,
) -> LegalHold:
    """Keep what one camera saw from `since` to `until`, until `expires_at`, whatever its class says."""
    require(acting_user, Capability.MANAGE_RETENTION)
    _check_span(since, until, expires_at)
    with transaction.atomic():
        hold = LegalHold.objects.create(
            camera=camera,
            since=since,
            until=until,
            event_id=event_id,
            reason=_reason(reason),
            case=case.replace("\x00", "").strip()[:80],
            placed_by_id=str(acting_user.pk),
            placed_by_name=acting_user.get_username(),
            placed_at=now(),
            expires_at=expires_at,
        )
        _record(acting_user, hold, "place", {"reason": hold.reason, "expires_at": expires_at})
    return hold


def hold_release(*, acting_user: User, hold: LegalHold, version: int, reason: str) -> LegalHold:
    """End a hold before it expires; what it held follows its class again."""
    require(acting_user, Capability.MANAGE_RETENTION)
    reason = _reason(reason)
    with transaction.atomic():
        changed = LegalHold.objects.filter(pk=hold.pk, version=version, released_at=None).update(
            released_at=now(),
            released_by_name=acting_user.get_username(),
            release_reason=reason,
            version=version + 1,
        )
        if not changed:
            raise Conflict("version_conflict", _("This hold was released or changed meanwhile."))
        _record(acting_user, hold, "release", {"reason": reason})
    hold.refresh_from_db()
    return hold


def _reason(text: str) -> str:
    text = text.replace("\x00", "").strip()
    if not 1 <= len(text) <= MAX_REASON:
        raise DomainError(
            "invalid_reason", _("A reason of 1 to %(most)d characters is needed.") % {"most": MAX_REASON}
        )
    return text


def _check_span(since: datetime, until: datetime, expires_at: datetime) -> None:
    if not since < until or until - since > MAX_SPAN:
        raise DomainError(
            "invalid_span",
            _("A hold covers a span of time that ends after its beginning, and %(most)d days at most.")
            % {"most": MAX_SPAN.days},
        )
    if not now() < expires_at <= now() + LONGEST:
        raise DomainError(
            "invalid_expiry",
            _("A hold expires in the future, in %(most)d days at most; it can be placed again.")
            % {"most": LONGEST.days},
        )


def _record(user: User, hold: LegalHold, verb: str, details: dict[str, Any]) -> None:
    audit.record_change(
        action=f"hold.{verb}",
        object_type="hold",
        object_id=str(hold.pk),
        camera_id=hold.camera_id,
        details={
            "since": hold.since,
            "until": hold.until,
            "case": hold.case,
            "event": str(hold.event_id or ""),
            **details,
        },
        acting_user=user,
    )
