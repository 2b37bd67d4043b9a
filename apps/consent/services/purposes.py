"""Entries of the register: made, changed and ended, each with its history."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera, Zone
from apps.cameras.services.changes import changes_apply
from apps.consent.models import DataSubject, LawfulBasis, Purpose, PurposeOrigin, PurposeVersion
from apps.consent.services.fields import PURPOSE_FIELDS, checked_fields
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, NotFound
from apps.core.events import publish
from apps.retention.models import DEFAULT_CODE
from apps.retention.selectors import classes_all

MANAGE = Capability.MANAGE_PURPOSES
MAX_SUBJECTS = 200
_NEEDED = ("purpose", "lawful_basis", "controller", "controller_contact", "stages")


def purpose_create(
    *,
    acting_user: User,
    camera: Camera,
    fields: Mapping[str, Any],
    zone: Zone | None = None,
    subjects: Iterable[str] = (),
    origin: PurposeOrigin = PurposeOrigin.REGISTER,
) -> Purpose:
    """Enter a purpose for a camera, or a narrower one for one of its zones.

    `fields` are those of `PURPOSE_FIELDS`; `subjects` the references of the persons whose consent it needs.
    """
    require(acting_user, MANAGE)
    values = {"valid_from": now(), **checked_fields(fields, PURPOSE_FIELDS)}
    _check_complete(values)
    _check_meaning(values)
    with transaction.atomic():
        needed = _subjects(subjects, values["lawful_basis"])
        purpose = Purpose.objects.create(
            camera=camera, camera_name=camera.name, origin=origin, **_zone_values(camera, zone), **values
        )
        purpose.subjects.set(needed)
        _remember(acting_user, purpose)
        _record(acting_user, purpose, "create", contents_of(purpose))
    return purpose


def purpose_update(
    *,
    acting_user: User,
    purpose: Purpose,
    version: int,
    changes: Mapping[str, Any],
    subjects: Iterable[str] | None = None,
) -> Purpose:
    """Change an entry; what it said before stays in its history. `subjects` None: the same persons."""
    require(acting_user, MANAGE)
    values = checked_fields(changes, PURPOSE_FIELDS)
    _check_not_ended(purpose)
    _check_meaning({name: values.get(name, getattr(purpose, name)) for name in PURPOSE_FIELDS})
    with transaction.atomic():
        before = contents_of(purpose)["subjects"]
        changed = changes_apply(purpose, version=version, changes=values)
        _check_not_ended(purpose)
        wanted = before if subjects is None else subjects
        purpose.subjects.set(_subjects(wanted, purpose.lawful_basis))
        after = _remember(acting_user, purpose)["subjects"]
        if before != after:
            changed["subjects"] = [before, after]
        _record(acting_user, purpose, "update", {"name": purpose.purpose, "changed": changed})
    return purpose


def purpose_end(*, acting_user: User, purpose: Purpose, version: int, reason: str = "") -> Purpose:
    """End an entry: what stands on it alone stops at once. Its zone follows the camera again."""
    require(acting_user, MANAGE)
    _check_not_ended(purpose)
    with transaction.atomic():
        changes_apply(purpose, version=version, changes={"ended_at": now()})
        _remember(acting_user, purpose)
        _record(acting_user, purpose, "end", {"name": purpose.purpose, "reason": reason[:200]})
    return purpose


def contents_of(purpose: Purpose) -> dict[str, Any]:
    """All that an entry says, as plain JSON: for its history and for the record."""
    plain = {name: _plain(getattr(purpose, name)) for name in PURPOSE_FIELDS}
    return plain | {
        "name": purpose.purpose,
        "camera": purpose.camera_name,
        "zone": purpose.zone_name,
        "origin": str(purpose.origin),
        "ended_at": _plain(purpose.ended_at),
        "subjects": sorted(purpose.subjects.values_list("reference", flat=True)),
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _check_complete(values: Mapping[str, Any]) -> None:
    if missing := [name for name in _NEEDED if name not in values]:
        raise DomainError("field_missing", _("These fields are needed: %s.") % ", ".join(missing))


def _check_meaning(values: Mapping[str, Any]) -> None:
    """What the fields must say together."""
    basis, interest = values["lawful_basis"], values.get("interest", "")
    if basis == LawfulBasis.LEGITIMATE_INTERESTS and not interest:
        raise DomainError(
            "interest_missing", _("Say which legitimate interest this is: people are told of it.")
        )
    if basis != LawfulBasis.LEGITIMATE_INTERESTS and interest:
        raise DomainError(
            "interest_unexpected", _("A legitimate interest belongs to the basis of this name alone.")
        )
    retention_class = values.get("retention_class", DEFAULT_CODE)
    if retention_class not in {row.code for row in classes_all()}:
        raise DomainError("unknown_retention_class", _("There is no retention class of this code."))
    until = values.get("valid_until")
    if until is not None and until <= values["valid_from"]:
        raise DomainError("invalid_valid_until", _("The entry must not end before it begins."))


def _check_not_ended(purpose: Purpose) -> None:
    if purpose.ended_at is not None:
        raise Conflict("purpose_ended", _("This entry was ended. Enter a new one."))


def _zone_values(camera: Camera, zone: Zone | None) -> dict[str, Any]:
    if zone is None:
        return {}
    if zone.camera_id != camera.pk:
        raise NotFound(_("zone"))
    return {"zone_uuid": zone.pk, "zone_name": zone.name, "zone_polygon": zone.polygon}


def _subjects(references: Iterable[str], basis: str) -> list[DataSubject]:
    wanted = {str(reference) for reference in references}
    if basis == LawfulBasis.CONSENT and not wanted:
        raise DomainError(
            "subjects_missing", _("An entry that stands on consent names the persons whose consent it needs.")
        )
    if basis != LawfulBasis.CONSENT and wanted:
        raise DomainError("subjects_unexpected", _("Only an entry that stands on consent names persons."))
    if len(wanted) > MAX_SUBJECTS:
        raise DomainError("too_many_subjects", _("At most %d persons can be named.") % MAX_SUBJECTS)
    found = list(DataSubject.objects.filter(reference__in=wanted))
    if unknown := wanted - {subject.reference for subject in found}:
        raise DomainError(
            "subject_unknown",
            _("No consent was recorded under the reference %s. Record the consent first.")
            % ", ".join(sorted(unknown)),
        )
    return found


def _remember(user: User, purpose: Purpose) -> dict[str, Any]:
    contents = contents_of(purpose)
    PurposeVersion.objects.create(
        purpose=purpose,
        number=purpose.version,
        at=now(),
        by_id=str(user.pk),
        by_name=user.username,
        contents=contents,
    )
    return contents


def _record(user: User, purpose: Purpose, verb: str, details: dict[str, Any]) -> None:
    audit.record_change(
        action=f"purpose.{verb}",
        object_type="purpose",
        object_id=str(purpose.pk),
        camera_id=purpose.camera_id,
        details=details,
        acting_user=user,
    )
    if purpose.camera_id is not None:
        publish("camera.changed", camera_id=str(purpose.camera_id))
