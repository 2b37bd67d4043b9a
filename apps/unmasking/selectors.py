"""Requests and grants: seen by who asked and by those who decide; a grant is used by its person alone."""

import hashlib
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, user_can
from apps.cameras.grants import Viewer
from apps.cameras.models import Camera
from apps.cameras.selectors import as_uuid, cameras_for, refusal_record
from apps.core.clock import now
from apps.core.errors import NotFound
from apps.recordings.models import Segment
from apps.unmasking.models import RequestState, RevealPart, UnmaskGrant, UnmaskRequest

OPEN_FOR = timedelta(hours=24)  # a request that nobody decides in this time lapses


def requests_visible_to(user: Viewer) -> QuerySet[UnmaskRequest]:
    """One's own, and all of them for those who may approve."""
    rows = UnmaskRequest.objects.select_related("camera__site", "requested_by", "decided_by", "grant")
    if user_can(user, Capability.APPROVE_UNMASKING):
        return rows
    if user_can(user, Capability.REQUEST_UNMASKING):
        return rows.filter(requested_by=user.pk)
    return rows.none()


def request_get(user: Viewer, request_id: object) -> UnmaskRequest:
    """The same answer for a missing request and for one that is not open to the asker."""
    key = as_uuid(request_id)
    row = requests_visible_to(user).filter(pk=key).first() if key else None
    if row is not None:
        return row
    if key and UnmaskRequest.objects.filter(pk=key).exists():
        refusal_record(user, "unmask_request", key, Capability.REQUEST_UNMASKING)
    raise NotFound(_("request"))


def waiting_for(user: Viewer) -> QuerySet[UnmaskRequest]:
    """Requests that this person may decide now."""
    if not user_can(user, Capability.APPROVE_UNMASKING):
        return UnmaskRequest.objects.none()
    fresh = Q(state=RequestState.OPEN, requested_at__gt=now() - OPEN_FOR)
    return requests_visible_to(user).filter(fresh).exclude(requested_by=user.pk)


def originals_between(camera: Camera, since: object, until: object) -> QuerySet[Segment]:
    """Segments with a sealed original that touch the span."""
    return (
        Segment.objects.filter(camera=camera, started_at__lt=until, ended_at__gt=since)
        .exclude(original_key="")
        .select_related("sealed_under")
        .order_by("started_at", "pk")
    )


def is_live(grant: UnmaskGrant) -> bool:
    """Opened, not locked, not over."""
    return grant.locked_at is None and grant.expires_at is not None and grant.expires_at > now()


def may_open(grant: UnmaskGrant) -> bool:
    return grant.opened_at is None and grant.locked_at is None and grant.open_until > now()


def session_hash(session_key: str) -> str:
    return hashlib.sha256(session_key.encode()).hexdigest()


def grant_live(user: User, request_id: object, session_key: str) -> UnmaskGrant:
    """The grant that this person opened in this very session, while it lives.

    Whatever else is wrong (another person, another session, over, locked, the watch grant withdrawn), the
    answer is the one for a grant that does not exist, and the attempt is on record.
    """
    key = as_uuid(request_id)
    grant = (
        UnmaskGrant.objects.select_related("request__camera").filter(request_id=key).first() if key else None
    )
    if grant is None:
        raise NotFound(_("grant"))
    request = grant.request
    allowed = (
        request.requested_by_id == user.pk
        and is_live(grant)
        and bool(session_key)
        and grant.session_sha256 == session_hash(session_key)
        and cameras_for(user, Capability.REQUEST_UNMASKING).filter(pk=request.camera_id).exists()
    )
    if not allowed:
        refusal_record(user, "unmask_grant", grant.pk, Capability.REQUEST_UNMASKING, request.purpose)
        raise NotFound(_("grant"))
    return grant


def parts_of(grant: UnmaskGrant) -> list[RevealPart]:
    return list(grant.parts.order_by("number"))
