"""What people do with packs: ask for one, take it out of the house, delete it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponseBase
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera
from apps.cameras.selectors import access_camera
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, NotFound
from apps.core.large_objects import object_response
from apps.core.objects import object_delete
from apps.core.pictures import REDACTION_HEADER
from apps.detections.models import Event
from apps.evidence.contents import chosen_are_there, oldest_of
from apps.evidence.models import EvidencePack, PackState
from apps.evidence.selectors import check_exports
from apps.recordings.selectors import AFTER_EVENT, BEFORE_EVENT
from apps.redactions.selectors import redactions_of
from apps.retention.models import DoomedObject
from apps.retention.selectors import holds_touching

MAX_SPAN = timedelta(hours=24)
CONTENT_TYPE = "application/zip"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be packed, and why. `items` names single objects; without them everything of the span."""

    since: datetime
    until: datetime
    purpose: str
    case: str
    reason: str
    event_id: UUID | None = None
    items: dict[str, list[str]] = field(default_factory=dict)


def span_of_event(event: Event) -> tuple[datetime, datetime]:
    """The time of an event's clip; of an event that goes on for long, as much as a pack holds."""
    since = event.first_seen_at - BEFORE_EVENT
    return since, min(event.last_seen_at + AFTER_EVENT, since + MAX_SPAN)


def pack_create(*, acting_user: User, camera: Camera, wanted: Wanted) -> EvidencePack:
    """Ask for a pack; the control worker makes it within seconds."""
    require(acting_user, Capability.EXPORT_EVIDENCE)
    access_camera(acting_user, camera.pk, purpose=wanted.purpose, capability=Capability.EXPORT_EVIDENCE)
    check_exports(camera)
    pack = EvidencePack(camera=camera, **_checked(wanted))
    _check_items(acting_user, pack)
    with transaction.atomic():
        pack.requested_by_id, pack.requested_by_name = str(acting_user.pk), acting_user.get_username()
        oldest_at = oldest_of(pack)
        if oldest_at is None:
            raise DomainError("nothing_recorded", _("Nothing was recorded in this time, or it is over."))
        pack.oldest_at = oldest_at
        pack.save()
        details = {"purpose": pack.purpose, "case": pack.case, "reason": pack.reason, "items": pack.items}
        _record(acting_user, pack, "evidence.create", details)
    return pack


def pack_open(user: User, pack: EvidencePack, *, purpose: str, wanted: str = "") -> HttpResponseBase:
    """The file, or the part that the header `Range` asks for; on record before its first byte leaves."""
    require(user, Capability.EXPORT_EVIDENCE)
    check_exports(pack.camera)
    if pack.state != PackState.DONE:
        raise NotFound(_("file"))
    response = object_response(pack.object_key, CONTENT_TYPE, wanted, f"vidette-evidence-{pack.pk}.zip")
    with transaction.atomic():
        audit.record_access(
            action="evidence.download",
            object_type="evidence_pack",
            object_id=str(pack.pk),
            camera_id=pack.camera_id,
            redacted=True,
            details={
                "since": pack.since,
                "until": pack.until,
                "case": pack.case,
                "sha256": pack.sha256,
                "segments": pack.facts["segments"],
                "events": pack.facts["events"],
                **({"range": wanted[:40]} if wanted else {}),
            },
            acting_user=user,
            purpose=purpose,
        )
    response[REDACTION_HEADER] = "redacted"
    return response


def pack_delete(*, acting_user: User, pack: EvidencePack) -> None:
    """The row goes at once, the file with it or with the next sweep. A hold on its time forbids it."""
    require(acting_user, Capability.EXPORT_EVIDENCE)
    with transaction.atomic():
        rows = EvidencePack.objects.filter(pk=pack.pk).exclude(state=PackState.RUNNING)
        if not rows.delete()[0]:
            raise Conflict("pack_moved_on", _("This pack is being made or is gone. Load the page again."))
        if pack.object_key:
            doomed = {"store": "evidence", "since": now()}
            DoomedObject.objects.update_or_create(key=pack.object_key, defaults=doomed)
            transaction.on_commit(partial(object_delete, pack.object_key), robust=True)
        _record(acting_user, pack, "evidence.delete", {"case": pack.case, "sha256": pack.sha256})
        # Asked when the record is locked, where a hold is entered too: none can slip in between.
        if holds_touching(pack.camera_id, pack.since, pack.until):
            raise Conflict("pack_held", _("A legal hold keeps what this camera saw in this time, packs too."))


def _check_items(user: User, pack: EvidencePack) -> None:
    """Segments and events belong to the camera and the span; redacted files have to be open to the user."""
    files = set(pack.items.get("redactions", []))
    if files and redactions_of(user).filter(pk__in=files).count() != len(files):
        raise NotFound(_("redacted file"))
    if not chosen_are_there(pack):
        raise NotFound(_("recording, event or redacted file of this camera and time"))


def _checked(wanted: Wanted) -> dict[str, Any]:
    if not wanted.since < wanted.until or wanted.until - wanted.since > MAX_SPAN:
        raise DomainError(
            "invalid_span",
            _("A pack covers a span that ends after its beginning and lasts %(most)d hours at most.")
            % {"most": MAX_SPAN // timedelta(hours=1)},
        )
    return {
        "since": wanted.since,
        "until": wanted.until,
        "purpose": _line(wanted.purpose, 80, "purpose"),
        "case": _line(wanted.case, 80, "case"),
        "reason": _line(wanted.reason, 500, "reason"),
        "event_id": wanted.event_id,
        "items": wanted.items,
    }


def _line(text: str, most: int, field: str) -> str:
    text = " ".join(text.replace("\x00", "").split())
    if not 1 <= len(text) <= most:
        raise DomainError(
            f"invalid_{field}",
            _("%(field)s: 1 to %(most)d characters are needed.") % {"field": field, "most": most},
        )
    return text


def _record(user: User, pack: EvidencePack, action: str, details: dict[str, Any]) -> None:
    audit.record_change(
        action=action,
        object_type="evidence_pack",
        object_id=str(pack.pk),
        camera_id=pack.camera_id,
        details={"since": pack.since, "until": pack.until, **details},
        acting_user=user,
    )
