"""What people do with recordings: destroying the originals of a day before their time."""

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, NotFound
from apps.recordings.keys import key_destroy
from apps.recordings.models import OriginalKey, Segment
from apps.retention.models import DoomedObject
from apps.retention.selectors import holds_touching

MAX_REASON = 500


def originals_destroy(*, acting_user: User, camera: Camera, day: date, reason: str) -> OriginalKey:
    """Destroy the key of a camera's day, and with it every original of that day, wherever copies of it are.

    The redacted recording stays. A hold on any of these seconds forbids it.
    """
    require(acting_user, Capability.MANAGE_RETENTION)
    reason = reason.replace("\x00", "").strip()
    if not 1 <= len(reason) <= MAX_REASON:
        raise DomainError(
            "invalid_reason", _("A reason of 1 to %(most)d characters is needed.") % {"most": MAX_REASON}
        )
    with transaction.atomic():
        key = (
            OriginalKey.objects.select_for_update()
            .filter(camera_id=camera.pk, day=day, destroyed_at=None)
            .first()
        )
        if key is None:
            raise NotFound(_("key"))
        sealed = list(Segment.objects.filter(sealed_under=key))
        _refuse_held(camera, sealed)
        _forget(sealed)
        audit.record_change(
            action="originals.destroy",
            object_type="original_key",
            object_id=str(key.pk),
            camera_id=camera.pk,
            details={
                "fingerprint": key.fingerprint,
                "day": day.isoformat(),
                "originals": len(sealed),
                "reason": reason,
            },
            acting_user=acting_user,
        )
        key_destroy(key, "destroyed by a person")
        # The record is locked by now: a hold that was placed meanwhile is seen, and the next one comes after.
        _refuse_held(camera, sealed)
    key.refresh_from_db()
    return key


def _refuse_held(camera: Camera, sealed: list[Segment]) -> None:
    if not sealed:
        return
    since = min(segment.started_at for segment in sealed)
    until = max(segment.ended_at for segment in sealed)
    holds = holds_touching(camera.pk, since, until)
    if any(
        segment.started_at < hold.until and segment.ended_at > hold.since
        for hold in holds
        for segment in sealed
    ):
        raise Conflict("originals_held", _("A legal hold keeps originals of this day."))


def _forget(sealed: list[Segment]) -> None:
    at = now()
    DoomedObject.objects.bulk_create(
        [
            DoomedObject(key=row.original_key, store="originals", since=at)
            for row in sealed
            if row.original_key
        ],
        ignore_conflicts=True,
    )
    Segment.objects.filter(pk__in=[row.pk for row in sealed]).update(original_key="", sealed_under=None)
