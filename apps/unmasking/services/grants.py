"""Grants: opened once, by the person who asked, in one session; every second on record; locked by time."""

import os
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.selectors import access_camera
from apps.core import crypto
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, Unavailable
from apps.core.objects import object_delete
from apps.unmasking.models import RevealPart, UnmaskGrant, UnmaskRequest
from apps.unmasking.selectors import may_open, originals_between, session_hash
from apps.unmasking.services.parts import part_send
from inference_workers.contracts.reveals import reveal_key

KEY_BYTES = 32
# A page that tells nothing for longer than this is closed: later seconds are not counted as seen.
SEEN_MOST = timedelta(seconds=15)


def grant_open(*, acting_user: User, request: UnmaskRequest, session_key: str) -> UnmaskGrant:
    """Open the grant: the clock starts, the parts are prepared. A second time is refused for good."""
    require(acting_user, Capability.REQUEST_UNMASKING)
    grant = UnmaskGrant.objects.filter(request=request).first()
    if grant is None or request.requested_by_id != acting_user.pk or not session_key:
        raise _refused(acting_user, request, "not_granted", _("There is no grant for you on this request."))
    access_camera(
        acting_user, request.camera_id, purpose=request.purpose, capability=Capability.REQUEST_UNMASKING
    )
    if not may_open(grant):
        message = _("A grant is opened once and within its time. This one is used or over.")
        raise _refused(acting_user, request, "grant_used", message)
    with transaction.atomic():
        _open(grant, session_key)
        _plan_parts(grant, request)
        audit.record_access(
            action="unmask.open",
            object_type="unmask_request",
            object_id=str(request.pk),
            camera_id=request.camera_id,
            redacted=False,
            details={
                "since": request.since,
                "until": request.until,
                "track": request.track_id,
                "case": request.case,
                "expires_at": grant.expires_at,
            },
            acting_user=acting_user,
            purpose=request.purpose,
        )
        for part in grant.parts.all():
            transaction.on_commit(partial(part_send, part.pk), robust=True)
    return grant


def grant_spend(*, acting_user: User, request: UnmaskRequest) -> None:
    """Use a grant up without showing anything: what it allows goes into the redaction of a file. Call inside
    of the transaction of that."""
    require(acting_user, Capability.REQUEST_UNMASKING)
    grant = UnmaskGrant.objects.filter(request=request).first()
    if grant is None or request.requested_by_id != acting_user.pk:
        raise _refused(acting_user, request, "not_granted", _("There is no grant for you on this request."))
    at = now()
    spent = UnmaskGrant.objects.filter(pk=grant.pk, opened_at=None, locked_at=None, open_until__gt=at).update(
        opened_at=at, expires_at=at, locked_at=at
    )
    if not spent:
        message = _("A grant is opened once and within its time. This one is used or over.")
        raise _refused(acting_user, request, "grant_used", message)


def _open(grant: UnmaskGrant, session_key: str) -> None:
    at = now()
    opened = UnmaskGrant.objects.filter(
        pk=grant.pk, opened_at=None, locked_at=None, open_until__gt=at
    ).update(
        opened_at=at,
        expires_at=at + timedelta(seconds=settings.UNMASK_GRANT_S),
        seen_until=at,
        session_sha256=session_hash(session_key),
        sealed_key=crypto.seal(os.urandom(KEY_BYTES).hex()),
    )
    if not opened:
        raise Conflict(
            "grant_used", _("A grant is opened once and within its time. This one is used or over.")
        )
    grant.refresh_from_db()


def _plan_parts(grant: UnmaskGrant, request: UnmaskRequest) -> None:
    for number, segment in enumerate(originals_between(request.camera, request.since, request.until)):
        part = RevealPart(
            grant=grant,
            segment_id=segment.pk,
            number=number,
            started_at=max(segment.started_at, request.since),
            ended_at=min(segment.ended_at, request.until),
        )
        part.object_key = reveal_key(str(grant.pk), str(part.pk))
        part.save(force_insert=True)


def grant_seen(*, acting_user: User, grant: UnmaskGrant) -> float:
    """The page is still open: the seconds since it last said so enter the record. Returns what is left, in s.

    `grant` comes from `grant_live`, which has checked person, session and time.
    """
    at = now()
    expires_at = grant.expires_at or at
    since = max(grant.seen_until or at, at - SEEN_MOST)
    until = min(at, expires_at)
    with transaction.atomic():
        moved = UnmaskGrant.objects.filter(pk=grant.pk, seen_until=grant.seen_until).update(seen_until=until)
        if moved and until > since:
            _record_seconds(acting_user, grant, since, until)
    return max(0.0, (expires_at - at).total_seconds())


def _record_seconds(user: User, grant: UnmaskGrant, since: datetime, until: datetime) -> None:
    audit.record_viewing(
        camera_id=grant.request.camera_id,
        started_at=since,
        ended_at=until,
        pictures=0,
        redacted=False,
        models={"grant": str(grant.pk)},
        acting_user=user,
        purpose=grant.request.purpose,
    )


def grant_lock(*, acting_user: User, grant: UnmaskGrant) -> None:
    """Lock before the time is over, by the person who opened it."""
    grant_seen(acting_user=acting_user, grant=grant)
    with transaction.atomic():
        if not _lock(grant):
            return
        audit.record_change(
            action="unmask.lock",
            object_type="unmask_request",
            object_id=str(grant.request_id),
            camera_id=grant.request.camera_id,
            details={"by": "person"},
            acting_user=acting_user,
        )
    _forget(grant)


def grants_sweep() -> int:
    """Lock what is over: the key goes, and with it what was shown; then the files. Returns how many."""
    over = UnmaskGrant.objects.select_related("request").filter(
        locked_at=None, opened_at__isnull=False, expires_at__lte=now()
    )
    count = 0
    for grant in over[:100]:
        with transaction.atomic():
            if _lock(grant):
                audit.record_system(
                    action="unmask.lock",
                    object_type="unmask_request",
                    object_id=str(grant.request_id),
                    details={"by": "clock", "camera": str(grant.request.camera_id)},
                )
                count += 1
        _forget(grant)
    return count


def _lock(grant: UnmaskGrant) -> bool:
    return bool(
        UnmaskGrant.objects.filter(pk=grant.pk, locked_at=None).update(locked_at=now(), sealed_key=b"")
    )


def _forget(grant: UnmaskGrant) -> None:
    """The files under the grant; without the key they are shut anyway, and retention looks for leftovers."""
    for part in grant.parts.all():
        try:
            object_delete(part.object_key)
        except Unavailable:
            return


def _refused(user: User, request: UnmaskRequest, code: str, message: str) -> DomainError:
    audit.record_refusal(
        action=f"unmask.{code}",
        object_type="unmask_request",
        object_id=str(request.pk),
        acting_user=user,
        purpose=request.purpose,
    )
    return DomainError(code, message, HTTPStatus.FORBIDDEN)
