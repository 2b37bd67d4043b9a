"""What a person is given: prepared by one, looked at and approved by another, handed over with a receipt."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.db.models import F
from django.http import HttpResponseBase
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.audit.selectors import objects_seen
from apps.cameras.selectors import cameras_watchable_by
from apps.cases.models import Case, CaseItem, CaseKind, Disclosure, DisclosureForm, DisclosureState
from apps.cases.packing import MAX_PACK_BYTES, pack_write
from apps.cases.services.cases import identified, record, still_open
from apps.cases.services.fields import line_checked, past_checked, text_checked
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, Forbidden
from apps.core.ids import new_id
from apps.core.large_objects import object_response, object_size
from apps.core.objects import object_delete
from apps.core.pictures import REDACTION_HEADER

RUN = Capability.RUN_CASES
VALID_FOR = timedelta(days=7)
MAX_DOWNLOADS = 3


@dataclass(frozen=True, slots=True)
class Given:
    """How it was handed over. `present` and the span belong to a supervised viewing alone."""

    receipt: str
    present: str = ""
    since: datetime | None = None
    until: datetime | None = None


def disclosure_prepare(*, acting_user: User, case: Case, form: str, language: str = "en") -> Disclosure:
    """Freeze what was collected. A pack is made now and never again: what is looked at is what goes out."""
    require(acting_user, RUN)
    items = _frozen(acting_user, case)
    at = now()
    made = Disclosure(
        pk=new_id(),
        case=case,
        form=DisclosureForm(form) if form in DisclosureForm.values else DisclosureForm.PACK,
        items=[str(item.pk) for item in items],
        digest=digest_of(items),
        prepared_by=acting_user,
        prepared_at=at,
        expires_at=at + VALID_FOR,
    )
    if made.form == DisclosureForm.PACK:
        made.pack_key = f"cases/{case.pk}/packs/{made.pk}.zip"
    try:
        if made.pack_key:
            packed = pack_write(made.pack_key, case, items, at=at, language=language)
            made.pack_sha256, made.pack_bytes = packed.sha256, packed.bytes
        with transaction.atomic():
            made.save(force_insert=True)
            _record(acting_user, made, "prepare", {"items": len(items), "digest": made.digest})
    except BaseException:
        if made.pack_key:
            object_delete(made.pack_key)
        raise
    return made


def disclosure_approve(
    *, acting_user: User, disclosure: Disclosure, version: int, note: str = ""
) -> Disclosure:
    """Say that nobody but the person is visible: after looking at every copy, and never at one's own work."""
    _check_decider(acting_user, disclosure)
    _still_the_same(disclosure)
    _check_looked(acting_user, disclosure)
    note = line_checked("note", note, least=0, most=500)
    return _decide(acting_user, disclosure, version, DisclosureState.APPROVED, note)


def disclosure_refuse(*, acting_user: User, disclosure: Disclosure, version: int, note: str) -> Disclosure:
    _check_decider(acting_user, disclosure)
    note = text_checked("note", note, most=500)
    return _decide(acting_user, disclosure, version, DisclosureState.REFUSED, note)


def pack_open(*, acting_user: User, disclosure: Disclosure, purpose: str) -> HttpResponseBase:
    """The approved pack, to be handed over: a few times within its days; each time is on record before."""
    require(acting_user, RUN)
    identified(disclosure.case)
    if disclosure.state not in (DisclosureState.APPROVED, DisclosureState.GIVEN):
        raise Conflict("not_approved", _("A pack leaves the house after a second person looked at it."))
    if not disclosure.pack_key or disclosure.expires_at <= now():
        raise Conflict("pack_expired", _("This pack has expired. Prepare a new one."))
    items = _items(disclosure)
    _may_see_all(acting_user, items)
    object_size(disclosure.pack_key)  # what is not there is no access
    with transaction.atomic():
        taken = Disclosure.objects.filter(pk=disclosure.pk, downloads__lt=MAX_DOWNLOADS)
        if not taken.update(downloads=F("downloads") + 1):
            raise Conflict(
                "pack_used_up", _("This pack was fetched as often as it may be. Prepare a new one.")
            )
        _accesses(acting_user, disclosure, items, "case.pack_open", purpose)
    name = f"{disclosure.case.reference}.zip"
    response = object_response(disclosure.pack_key, "application/zip", "", name)
    response[REDACTION_HEADER] = "redacted"
    return response


def disclosure_give(
    *, acting_user: User, disclosure: Disclosure, version: int, given: Given, purpose: str
) -> Disclosure:
    """Record the hand-over with its receipt, or the viewing with its time and who was there."""
    require(acting_user, RUN)
    still_open(disclosure.case)
    identified(disclosure.case)
    changes = _given(disclosure, given)
    with transaction.atomic():
        changed = Disclosure.objects.filter(
            pk=disclosure.pk, version=version, state=DisclosureState.APPROVED
        ).update(
            state=DisclosureState.GIVEN,
            given_at=now(),
            given_by_name=acting_user.get_username(),
            version=version + 1,
            **changes,
        )
        if not changed:
            raise Conflict("not_approved", _("Only what a second person approved is handed over, once."))
        disclosure.refresh_from_db()
        _accesses(acting_user, disclosure, _items(disclosure), "case.disclosed", purpose)
        _record(acting_user, disclosure, "give", {"pack_sha256": disclosure.pack_sha256})
    return disclosure


def _given(disclosure: Disclosure, given: Given) -> dict[str, Any]:
    changes: dict[str, Any] = {"receipt": text_checked("receipt", given.receipt, most=500)}
    if disclosure.form == DisclosureForm.PACK:
        return changes
    since, until = past_checked("since", given.since), past_checked("until", given.until)
    if since >= until or since < disclosure.prepared_at - timedelta(minutes=1):
        raise DomainError(
            "invalid_span", _("A viewing ends after its beginning and begins after it was prepared.")
        )
    present = line_checked("present", given.present, most=300)
    return {**changes, "present": present, "viewed_since": since, "viewed_until": until}


def digest_of(items: Sequence[CaseItem]) -> str:
    lines = sorted(f"{item.pk} {item.copy_sha256 if item.copy_key else ''}" for item in items)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _frozen(user: User, case: Case) -> list[CaseItem]:
    """What is given, if it may be: to an identified person, and all of it open to the one who prepares."""
    still_open(case)
    identified(case)
    if case.kind == CaseKind.ERASURE:
        raise Conflict(
            "no_access_asked", _("A request for erasure hands nothing over. Enter one for access.")
        )
    items = list(case.items.filter(erased_at=None))
    if not items:
        raise Conflict("nothing_collected", _("Nothing is collected yet."))
    if sum(item.copy_bytes for item in items) > MAX_PACK_BYTES:
        raise Conflict("pack_too_large", _("A pack holds at most 2 GB. Take something out."))
    _may_see_all(user, items)
    return items


def _items(disclosure: Disclosure) -> list[CaseItem]:
    return list(CaseItem.objects.filter(case=disclosure.case_id, pk__in=disclosure.items))


def _may_see_all(user: User, items: Sequence[CaseItem]) -> None:
    """One who may not watch a camera sees no picture of it here either."""
    watchable = set(cameras_watchable_by(user).values_list("pk", flat=True))
    missing = {
        item.camera_name
        for item in items
        if item.copy_key and item.camera_id and item.camera_id not in watchable
    }
    if missing:
        raise Forbidden(
            _("You have no grant to watch these cameras: %s. An administrator can give it.")
            % ", ".join(sorted(missing))
        )


def _still_the_same(disclosure: Disclosure) -> None:
    case = disclosure.case
    still_open(case)
    identified(case)
    if disclosure.expires_at <= now():
        raise Conflict("pack_expired", _("This pack has expired. Prepare a new one."))
    if digest_of(list(case.items.filter(erased_at=None))) != disclosure.digest:
        raise Conflict("items_changed", _("What is collected has changed since. Prepare it anew."))


def _check_looked(user: User, disclosure: Disclosure) -> None:
    """A check by somebody who has not looked is none."""
    wanted = [str(item.pk) for item in _items(disclosure) if item.copy_key]
    if set(wanted) - objects_seen(user.pk, "case.item_view", "case_item", wanted):
        raise Conflict("not_looked", _("Look at every copy first: “Look” beside each item."))


def _check_decider(user: User, disclosure: Disclosure) -> None:
    """Before the transaction: a refused attempt stays on record."""
    require(user, RUN)
    if disclosure.prepared_by_id == user.pk:
        audit.record_refusal(
            action="disclosure.self_approval",
            object_type="disclosure",
            object_id=str(disclosure.pk),
            acting_user=user,
        )
        raise DomainError(
            "second_person_required",
            _("This is decided by somebody else than the one who prepared it."),
            HTTPStatus.FORBIDDEN,
        )


def _decide(
    user: User, disclosure: Disclosure, version: int, state: DisclosureState, note: str
) -> Disclosure:
    with transaction.atomic():
        changed = Disclosure.objects.filter(
            pk=disclosure.pk, version=version, state=DisclosureState.WAITING
        ).update(state=state, decided_by=user, decided_at=now(), note=note, version=version + 1)
        if not changed:
            raise Conflict("version_conflict", _("Somebody decided on this meanwhile."))
        disclosure.refresh_from_db()
        verb = "approve" if state == DisclosureState.APPROVED else "refuse"
        _record(user, disclosure, verb, {"digest": disclosure.digest})
    return disclosure


def _accesses(
    user: User, disclosure: Disclosure, items: Sequence[CaseItem], action: str, purpose: str
) -> None:
    """One entry per camera, so that the question who saw a camera finds what left the house."""
    by_camera: dict[Any, int] = {}
    for item in items:
        by_camera[item.camera_id] = by_camera.get(item.camera_id, 0) + 1
    for camera_id, count in by_camera.items():
        audit.record_access(
            action=action,
            object_type="disclosure",
            object_id=str(disclosure.pk),
            camera_id=camera_id,
            redacted=not any(item.shows_subject for item in items if item.camera_id == camera_id),
            details={
                "case": disclosure.case.reference,
                "person": disclosure.case.subject,
                "form": disclosure.form,
                "items": count,
                "pack_sha256": disclosure.pack_sha256,
            },
            acting_user=user,
            purpose=purpose,
        )


def _record(user: User, disclosure: Disclosure, verb: str, details: dict[str, Any]) -> None:
    told = {"disclosure": str(disclosure.pk), "form": disclosure.form, **details}
    record(user, disclosure.case, f"disclosure_{verb}", told)
