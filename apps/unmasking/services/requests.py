"""Requests: what is asked, and the decision of a second person."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera
from apps.cameras.selectors import access_camera
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError
from apps.unmasking.models import RequestState, UnmaskGrant, UnmaskRequest
from apps.unmasking.selectors import OPEN_FOR, originals_between

MAX_SPAN = timedelta(minutes=15)
MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks to see, and why. `track_id` and `epoch`: this person alone."""

    since: datetime
    until: datetime
    purpose: str
    case: str
    reason: str
    track_id: int | None = None
    epoch: str = ""


def request_create(*, acting_user: User, camera: Camera, wanted: Wanted) -> UnmaskRequest:
    """Ask for unmasking; needs the watch grant on the camera, and originals that were kept."""
    require(acting_user, Capability.REQUEST_UNMASKING)
    access_camera(acting_user, camera.pk, purpose=wanted.purpose, capability=Capability.REQUEST_UNMASKING)
    _check(camera, wanted)
    with transaction.atomic():
        row = UnmaskRequest.objects.create(
            camera=camera,
            since=wanted.since,
            until=wanted.until,
            track_id=wanted.track_id,
            epoch=wanted.epoch if wanted.track_id is not None else "",
            purpose=_line(wanted.purpose, 80, "purpose"),
            case=_line(wanted.case, 80, "case"),
            reason=_line(wanted.reason, MAX_REASON, "reason"),
            requested_by=acting_user,
            requested_at=now(),
        )
        _record(acting_user, row, "request", {"case": row.case, "reason": row.reason})
    return row


def request_approve(
    *, acting_user: User, request: UnmaskRequest, version: int, note: str = ""
) -> UnmaskGrant:
    """Grant it: never to oneself, never with the same account that asked."""
    _check_decider(acting_user, request)
    with transaction.atomic():
        _decide(acting_user, request, version, RequestState.APPROVED, note)
        at = now()
        return UnmaskGrant.objects.create(
            request=request,
            granted_at=at,
            open_until=at + timedelta(seconds=settings.UNMASK_OPEN_WITHIN_S),
        )


def request_refuse(*, acting_user: User, request: UnmaskRequest, version: int, note: str) -> UnmaskRequest:
    _check_decider(acting_user, request)
    with transaction.atomic():
        _decide(acting_user, request, version, RequestState.REFUSED, _line(note, MAX_REASON, "note"))
    return request


def request_withdraw(*, acting_user: User, request: UnmaskRequest, version: int) -> UnmaskRequest:
    """Take one's own request back before it is decided."""
    require(acting_user, Capability.REQUEST_UNMASKING)
    if request.requested_by_id != acting_user.pk:
        raise _not_yours()
    with transaction.atomic():
        _move(request, version, acting_user, RequestState.WITHDRAWN, "")
        _record(acting_user, request, "withdraw", {})
    return request


def _check_decider(user: User, request: UnmaskRequest) -> None:
    """Before the transaction: a refused attempt stays on record."""
    require(user, Capability.APPROVE_UNMASKING)
    if request.requested_by_id == user.pk:
        audit.record_refusal(
            action="unmask.self_approval",
            object_type="unmask_request",
            object_id=str(request.pk),
            acting_user=user,
        )
        raise DomainError(
            "second_person_required",
            _("A request is decided by somebody else than the one who asked."),
            HTTPStatus.FORBIDDEN,
        )


def _decide(user: User, request: UnmaskRequest, version: int, state: RequestState, note: str) -> None:
    if request.requested_at <= now() - OPEN_FOR:
        raise Conflict("request_lapsed", _("Nobody decided on this request in time. It can be made again."))
    _move(request, version, user, state, note.replace("\x00", "").strip()[:MAX_REASON])
    verb = "approve" if state == RequestState.APPROVED else "refuse"
    _record(user, request, verb, {"note": request.note, "requested_by": request.requested_by.get_username()})


def _move(request: UnmaskRequest, version: int, user: User, state: RequestState, note: str) -> None:
    changed = UnmaskRequest.objects.filter(pk=request.pk, version=version, state=RequestState.OPEN).update(
        state=state, decided_by=user, decided_at=now(), note=note, version=version + 1
    )
    if not changed:
        raise Conflict("version_conflict", _("Somebody decided on this request meanwhile."))
    request.refresh_from_db()


def _check(camera: Camera, wanted: Wanted) -> None:
    if not wanted.since < wanted.until or wanted.until - wanted.since > MAX_SPAN:
        raise DomainError(
            "invalid_span",
            _("A request covers a span that ends after its beginning, and %(most)d minutes at most.")
            % {"most": MAX_SPAN.total_seconds() // 60},
        )
    if not originals_between(camera, wanted.since, wanted.until).exists():
        raise DomainError(
            "no_originals",
            _("No original of this time is kept. Only a retention class that says so keeps originals."),
        )


def _line(text: str, most: int, field: str) -> str:
    text = " ".join(text.replace("\x00", "").split())
    if not 1 <= len(text) <= most:
        raise DomainError(
            f"invalid_{field}",
            _("%(field)s: 1 to %(most)d characters are needed.") % {"field": field, "most": most},
        )
    return text


def _not_yours() -> DomainError:
    return DomainError("not_yours", _("Only the person who asked can do this."), HTTPStatus.FORBIDDEN)


def _record(user: User, request: UnmaskRequest, verb: str, details: dict[str, Any]) -> None:
    audit.record_change(
        action=f"unmask.{verb}",
        object_type="unmask_request",
        object_id=str(request.pk),
        camera_id=request.camera_id,
        details={
            "since": request.since,
            "until": request.until,
            "track": request.track_id,
            "purpose": request.purpose,
            **details,
        },
        acting_user=user,
    )
