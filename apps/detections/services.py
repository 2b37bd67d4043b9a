"""What people do with events: triage and flags."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability
from apps.audit import services as audit
from apps.cameras.selectors import access_camera
from apps.core.errors import Conflict, DomainError
from apps.detections.feed import FeedLine, feed_append
from apps.detections.models import Event, EventFlag, EventStatus, FeedEntry

MAX_COMMENT = 500


def event_set_status(
    *, acting_user: User, event: Event, version: int, status: str, purpose: str = "event triage"
) -> Event:
    """Confirm, dismiss or reopen an event; needs the triage grant on its camera.

    Raises Conflict when somebody else has judged it first.
    """
    access_camera(acting_user, event.camera_id, purpose=purpose, capability=Capability.TRIAGE_EVENTS)
    if status not in EventStatus.values:
        raise DomainError("invalid_status", _("The status is one of: %s.") % ", ".join(EventStatus.values))
    with transaction.atomic():
        before = event.status
        changed = Event.objects.filter(pk=event.pk, version=version).update(
            status=status, version=version + 1
        )
        if not changed:
            raise Conflict(
                "version_conflict", _("Somebody judged this event meanwhile. Load it again and decide.")
            )
        _record(acting_user, event, "set_status", {"changed": {"status": [before, status]}})
        feed_append([FeedLine(FeedEntry.Kind.EVENT_STATUS, event.camera_id, event.pk)])
    event.refresh_from_db()
    return event


def event_flag(
    *, acting_user: User, event: Event, reason: str, comment: str = "", purpose: str = "event triage"
) -> EventFlag:
    """Say that a result is wrong or hard; model owners look at it."""
    access_camera(acting_user, event.camera_id, purpose=purpose, capability=Capability.FLAG_EVENTS)
    if reason not in EventFlag.Reason.values:
        raise DomainError(
            "invalid_reason", _("The reason is one of: %s.") % ", ".join(EventFlag.Reason.values)
        )
    comment = comment.replace("\x00", "").strip()
    if len(comment) > MAX_COMMENT:
        raise DomainError(
            "invalid_comment", _("A comment has at most %(most)d characters.") % {"most": MAX_COMMENT}
        )
    with transaction.atomic():
        flag = EventFlag.objects.create(
            event=event,
            reason=reason,
            comment=comment,
            flagged_by_id=str(acting_user.pk),
            flagged_by_name=acting_user.get_username(),
        )
        _record(acting_user, event, "flag", {"reason": reason, "flag": str(flag.pk)})
        feed_append([FeedLine(FeedEntry.Kind.EVENT_FLAGGED, event.camera_id, event.pk)])
    return flag


def _record(user: User, event: Event, verb: str, details: dict[str, Any]) -> None:
    audit.record_change(
        action=f"event.{verb}",
        object_type="event",
        object_id=str(event.pk),
        camera_id=event.camera_id,
        details=details,
        acting_user=user,
    )
