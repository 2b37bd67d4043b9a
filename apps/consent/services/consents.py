"""Consents: recorded, withdrawn; and the sealed way to reach the person."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera, CameraGroup
from apps.cameras.services.changes import changes_apply
from apps.consent.models import Consent, DataSubject, Purpose
from apps.consent.selectors import purposes_needing
from apps.consent.services.fields import CONSENT_FIELDS, checked_fields, line_checked, reference_checked
from apps.core import crypto
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, NotFound
from apps.core.events import publish

MANAGE = Capability.MANAGE_PURPOSES
MAX_CONTACT = 300
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # without the letters that are read as others
_NEEDED = ("stages", "notice_version", "notice_text", "language", "given_how", "given_to")


def consent_record(
    *,
    acting_user: User,
    fields: Mapping[str, Any],
    reference: str = "",
    contact: str = "",
    cameras: Iterable[Camera] = (),
    groups: Iterable[CameraGroup] = (),
    purposes: Iterable[Purpose] = (),
) -> Consent:
    """Record what a person agreed to. An empty `reference` makes up a new one.

    `contact` is sealed with the field key and in no record; it replaces the one known before.
    """
    require(acting_user, MANAGE)
    values = {"given_at": now(), **checked_fields(fields, CONSENT_FIELDS)}
    _check(values)
    scope: dict[str, list[Any]] = {
        "cameras": list(cameras),
        "groups": list(groups),
        "purposes": list(purposes),
    }
    if not any(scope.values()):
        raise DomainError("scope_missing", _("Say which cameras, groups or purposes the consent is for."))
    with transaction.atomic():
        subject = _subject(reference)
        if contact:
            _seal_contact(subject, contact)
        consent = Consent.objects.create(
            subject=subject,
            notice_sha256=hashlib.sha256(values["notice_text"].encode()).hexdigest(),
            recorded_by_id=str(acting_user.pk),
            recorded_by_name=acting_user.username,
            **values,
        )
        for name, rows in scope.items():
            getattr(consent, name).set(rows)
        _record(acting_user, consent, "record", _details(consent, scope))
    return consent


def consent_withdraw(*, acting_user: User, consent: Consent, version: int, note: str = "") -> Consent:
    """Withdraw a consent: what stands on it stops in the running streams at once."""
    require(acting_user, MANAGE)
    if consent.withdrawn_at is not None:
        raise Conflict("consent_withdrawn", _("This consent was withdrawn already."))
    changes = {
        "withdrawn_at": now(),
        "withdrawal_note": line_checked("withdrawal_note", note, least=0, most=300),
    }
    with transaction.atomic():
        changes_apply(consent, version=version, changes=changes)
        _record(acting_user, consent, "withdraw", {"name": consent.subject.reference, "reason": note[:200]})
    return consent


def contact_set(*, acting_user: User, subject: DataSubject, contact: str) -> None:
    """Change how a person is reached; an empty text forgets it."""
    require(acting_user, MANAGE)
    with transaction.atomic():
        if contact:
            _seal_contact(subject, contact)
        else:
            DataSubject.objects.filter(pk=subject.pk).update(contact_sealed=None)
        audit.record_change(
            action="subject.contact_set" if contact else "subject.contact_clear",
            object_type="data_subject",
            object_id=str(subject.pk),
            details={"name": subject.reference},
            acting_user=acting_user,
        )
    subject.refresh_from_db()


def contact_reveal(*, acting_user: User, subject: DataSubject, purpose: str) -> str:
    """How to reach a person; who asked is on record before it is shown."""
    require(acting_user, MANAGE)
    with transaction.atomic():
        audit.record_access(
            action="subject.contact_view",
            object_type="data_subject",
            object_id=str(subject.pk),
            details={"name": subject.reference},
            acting_user=acting_user,
            purpose=purpose,
        )
    if subject.contact_sealed is None:
        raise NotFound(_("contact"))
    return crypto.unseal(bytes(subject.contact_sealed))


def _check(values: Mapping[str, Any]) -> None:
    if missing := [name for name in _NEEDED if name not in values]:
        raise DomainError("field_missing", _("These fields are needed: %s.") % ", ".join(missing))
    if values["given_at"] > now():
        raise DomainError("invalid_given_at", _("A consent cannot be given in the future."))
    expires_at = values.get("expires_at")
    if expires_at is not None and expires_at <= values["given_at"]:
        raise DomainError("invalid_expires_at", _("A consent must not expire before it is given."))


def _subject(reference: str) -> DataSubject:
    reference = reference_checked(reference) if reference else _new_reference()
    subject, _created = DataSubject.objects.get_or_create(reference=reference)
    return subject


def _new_reference() -> str:
    return "S-" + "".join(secrets.choice(_ALPHABET) for _ in range(8))


def _seal_contact(subject: DataSubject, contact: str) -> None:
    text = line_checked("contact", contact, most=MAX_CONTACT)
    DataSubject.objects.filter(pk=subject.pk).update(contact_sealed=crypto.seal(text))


def _details(consent: Consent, scope: Mapping[str, list[Any]]) -> dict[str, Any]:
    return {
        "name": consent.subject.reference,
        "stages": consent.stages,
        "notice_version": consent.notice_version,
        "notice_sha256": consent.notice_sha256,
        "expires_at": consent.expires_at.isoformat() if consent.expires_at else None,
        **{name: [str(row.pk) for row in rows] for name, rows in scope.items()},
    }


def _record(user: User, consent: Consent, verb: str, details: dict[str, Any]) -> None:
    audit.record_change(
        action=f"consent.{verb}",
        object_type="consent",
        object_id=str(consent.pk),
        details=details,
        acting_user=user,
    )
    affected = purposes_needing(consent.subject).values_list("camera_id", flat=True)
    for camera_id in {key for key in affected if key is not None}:
        publish("camera.changed", camera_id=str(camera_id))
