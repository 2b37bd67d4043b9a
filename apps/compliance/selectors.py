"""The duties of compliance, read from every app that has some, in a fixed number of queries."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit.selectors import checkpoint_state, last_verification, record_began, uncovered_since
from apps.cameras.models import Camera
from apps.cameras.selectors import cameras_visible_to
from apps.cases.selectors import cases_open
from apps.compliance.duties import AHEAD, Duties, Duty, DutyKind, in_order
from apps.consent.basis import CLOSED
from apps.consent.models import Consent, LawfulBasis, Notice, Purpose, PurposeOrigin
from apps.consent.selectors import cameras_without_basis
from apps.core.clock import now
from apps.monitoring.models import LeakGuard
from apps.monitoring.selectors import alerts_open
from apps.retention.models import DoomedObject
from apps.retention.selectors import dry_run, holds_ending
from apps.unmasking.selectors import OPEN_FOR, waiting_for

# The record checks itself every day, the sweeper deletes every ten minutes: later than this, they do not run.
CHECKED_WITHIN = timedelta(days=2)
DELETED_WITHIN = timedelta(hours=1)
CHECKPOINT_DELAYS = 4


def duties_of(user: User) -> Duties:
    """What this officer has to do now and within the next thirty days."""
    require(user, Capability.SEE_RECORD)
    at = now()
    cameras = list(cameras_visible_to(user))
    found = [*_record(at), *_deletion(at), *_unmasking(user), *_leaks(user), *_register(cameras, at)]
    found += [*_cases(), *_consents(at), *_holds(cameras, at)]
    return Duties(at, in_order(found))


def _record(at: datetime) -> Iterator[Duty]:
    check, checkpoint = last_verification(), checkpoint_state()
    if check is not None and not check.details.get("ok"):
        yield Duty(DutyKind.RECORD_BROKEN, count=int(check.details.get("first_bad") or 0))
    elif (since := record_began() if check is None else check.at) and at - since > CHECKED_WITHIN:
        yield Duty(DutyKind.RECORD_UNCHECKED)
    since = uncovered_since(checkpoint)
    latest = CHECKPOINT_DELAYS * timedelta(minutes=settings.CHECKPOINT_MINUTES)
    if checkpoint.uncovered and (since is None or at - since > latest):
        yield Duty(DutyKind.CHECKPOINT_LATE, count=checkpoint.uncovered)


def _deletion(at: datetime) -> Iterator[Duty]:
    """What should have been deleted an hour ago and is still there."""
    for store in dry_run(at - DELETED_WITHIN):
        if store.census.due:
            yield Duty(DutyKind.NOT_DELETED, subject=str(store.title), count=store.census.due)
    files = DoomedObject.objects.filter(since__lt=at - DELETED_WITHIN).count()
    if files:
        yield Duty(DutyKind.NOT_DELETED, code="files", count=files)


def _unmasking(user: User) -> Iterator[Duty]:
    for row in waiting_for(user):
        yield Duty(
            DutyKind.UNMASKING,
            due_at=row.requested_at + OPEN_FOR,
            subject=row.camera.name,
            object_id=str(row.pk),
            zone_name=row.camera.zone_name,
        )


def _cases() -> Iterator[Duty]:
    """The request of a person has its clock from its first day on."""
    for case in cases_open():
        yield Duty(DutyKind.CASE, due_at=case.due_at, subject=case.reference, object_id=str(case.pk))


def _leaks(user: User) -> Iterator[Duty]:
    alerts = list(alerts_open(user))
    for alert in alerts:
        yield Duty(
            DutyKind.LEAKS,
            subject=alert.camera.name,
            object_id=str(alert.pk),
            zone_name=alert.camera.zone_name,
        )
    guards = LeakGuard.objects.filter(exports_quarantined_at__isnull=False).select_related("camera__site")
    for guard in guards.exclude(camera__in=[alert.camera_id for alert in alerts]):
        yield Duty(DutyKind.QUARANTINE, subject=guard.camera.name, object_id=str(guard.camera_id))


def _register(cameras: Iterable[Camera], at: datetime) -> Iterator[Duty]:
    enabled = {camera.pk: camera for camera in cameras if camera.enabled}
    without = {
        camera.pk: basis.code
        for camera, basis in cameras_without_basis(enabled.values())
        if basis.code != CLOSED  # outside the opening hours nothing is missing
    }
    for key, code in without.items():
        camera = enabled[key]
        yield _of_camera(DutyKind.NO_BASIS, camera, object_id=str(key), code=code)
    open_entries = list(Purpose.objects.filter(camera__in=enabled, ended_at=None))
    for purpose in open_entries:
        camera = enabled[_key(purpose)]
        if purpose.valid_until is None or purpose.valid_until > at + AHEAD:
            continue
        if purpose.valid_until > at or camera.pk not in without:  # else the camera's own duty says it
            yield _of_camera(
                DutyKind.PURPOSE_ENDS, camera, due_at=purpose.valid_until, object_id=str(purpose.pk)
            )
    yield from _signs(enabled, open_entries, at)


def _key(purpose: Purpose) -> UUID:
    assert purpose.camera_id is not None  # noqa: S101 - entries were asked for by camera
    return purpose.camera_id


def _signs(enabled: dict[UUID, Camera], entries: Iterable[Purpose], at: datetime) -> Iterator[Duty]:
    """Cameras that people have to be told of and whose sign was never made. Drawn footage films nobody."""
    told_of = {
        _key(entry)
        for entry in entries
        if entry.origin != PurposeOrigin.DEMO
        and entry.valid_from <= at
        and (entry.valid_until is None or entry.valid_until > at)
    }
    made = set(Notice.objects.filter(camera__in=told_of).values_list("camera_id", flat=True))
    for key in told_of - made:
        yield _of_camera(DutyKind.NO_SIGN, enabled[key], object_id=str(key))


def _of_camera(
    kind: DutyKind, camera: Camera, *, object_id: str, code: str = "", due_at: datetime | None = None
) -> Duty:
    return Duty(
        kind,
        due_at=due_at,
        subject=camera.name,
        object_id=object_id,
        code=code,
        zone_name=camera.zone_name,
    )


def _consents(at: datetime) -> Iterator[Duty]:
    """Consents that run out while an entry of the register still stands on them."""
    standing = Q(withdrawn_at=None, given_at__lte=at, expires_at__gt=at, expires_at__lte=at + AHEAD)
    needed = Q(subject__purposes__ended_at=None, subject__purposes__lawful_basis=LawfulBasis.CONSENT)
    rows = Consent.objects.filter(standing & needed).select_related("subject").distinct()
    for consent in rows:
        yield Duty(
            DutyKind.CONSENT_ENDS,
            due_at=consent.expires_at,
            subject=consent.subject.reference,
            object_id=str(consent.pk),
        )


def _holds(cameras: Iterable[Camera], at: datetime) -> Iterator[Duty]:
    by_key = {camera.pk: camera for camera in cameras}
    for hold in holds_ending(at + AHEAD).filter(camera__in=by_key):
        camera = by_key[hold.camera_id]
        yield _of_camera(
            DutyKind.HOLD_ENDS, camera, due_at=hold.expires_at, object_id=str(hold.pk), code=hold.case
        )
