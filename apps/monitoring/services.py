"""What people decide about alerts and about what followed from them."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError
from apps.core.events import publish
from apps.detections.feed import FeedLine, feed_append
from apps.detections.models import FeedEntry
from apps.monitoring.models import Alert, AlertState, LeakGuard

MAX_NOTE = 500


def alert_acknowledge(*, acting_user: User, alert: Alert, version: int) -> Alert:
    """Say that somebody looks into it. Quarantine and raised policy stay."""
    require(acting_user, Capability.REVIEW_LEAKS)
    with transaction.atomic():
        _change(acting_user, alert, version, {"state": AlertState.ACKNOWLEDGED}, only=AlertState.OPEN)
        _record(acting_user, alert, "alert.acknowledge", {})
    return alert


def alert_close(*, acting_user: User, alert: Alert, version: int, note: str, lower: bool = False) -> Alert:
    """The review is done: exports are free again, and the count begins anew.

    Args:
        note: what was found and done; it is part of the record.
        lower: also cover only what the camera's own settings say again.
    """
    require(acting_user, Capability.REVIEW_LEAKS)
    note = _note_checked(note)
    with transaction.atomic():
        _change(acting_user, alert, version, {"state": AlertState.CLOSED, "note": note})
        was = _release(alert.camera, lower=lower)
        _record(acting_user, alert, "alert.close", {"note": note, **was})
    return alert


def policy_lower(*, acting_user: User, camera: Camera, version: int, note: str) -> LeakGuard:
    """Cover again what the camera's own settings say; the leak meter had raised that to whole persons."""
    require(acting_user, Capability.REVIEW_LEAKS)
    note = _note_checked(note)
    with transaction.atomic():
        rows = LeakGuard.objects.filter(camera=camera, version=version, policy_raised_at__isnull=False)
        if not rows.update(policy_raised_at=None, version=version + 1):
            raise _changed_meanwhile()
        publish("camera.changed", camera_id=str(camera.pk))
        audit.record_change(
            action="leaks.policy_lower",
            object_type="camera",
            object_id=str(camera.pk),
            camera_id=camera.pk,
            details={"note": note},
            acting_user=acting_user,
        )
    return LeakGuard.objects.get(camera=camera)


def _change(
    user: User, alert: Alert, version: int, values: dict[str, Any], only: AlertState | None = None
) -> None:
    rows = Alert.objects.filter(pk=alert.pk, version=version).exclude(state=AlertState.CLOSED)
    if only is not None:
        rows = rows.filter(state=only)
    changed = rows.update(
        **values,
        changed_at=now(),
        changed_by_id=str(user.pk),
        changed_by_name=user.get_username(),
        version=version + 1,
    )
    if not changed:
        raise _changed_meanwhile()
    alert.refresh_from_db()


def _release(camera: Camera, *, lower: bool) -> dict[str, bool]:
    """Lift what followed from the alert; says what there was."""
    guard, _created = LeakGuard.objects.select_for_update().get_or_create(camera=camera)
    was = {
        "quarantine_lifted": guard.exports_quarantined_at is not None,
        "policy_lowered": lower and guard.policy_raised_at is not None,
    }
    guard.exports_quarantined_at = None
    guard.counted_from = now()
    guard.version += 1
    if was["policy_lowered"]:
        guard.policy_raised_at = None
        publish("camera.changed", camera_id=str(camera.pk))
    guard.save()
    return was


def _record(user: User, alert: Alert, action: str, details: dict[str, Any]) -> None:
    feed_append([FeedLine(FeedEntry.Kind.ALERT_CHANGED, alert.camera_id, alert_id=alert.pk)])
    audit.record_change(
        action=action,
        object_type="alert",
        object_id=str(alert.pk),
        camera_id=alert.camera_id,
        details={"kind": alert.kind, "facts": alert.facts, **details},
        acting_user=user,
    )


def _note_checked(note: str) -> str:
    note = note.replace("\x00", "").strip()
    if not 3 <= len(note) <= MAX_NOTE:
        raise DomainError(
            "invalid_note",
            _("Write what you found and did, in 3 to %(most)d characters.") % {"most": MAX_NOTE},
        )
    return note


def _changed_meanwhile() -> Conflict:
    return Conflict(
        "version_conflict", _("Somebody changed this meanwhile. Load it again and repeat your change.")
    )
