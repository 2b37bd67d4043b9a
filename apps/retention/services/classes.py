"""Retention classes: more than the default, and originals at all, need a justification."""

import re
from collections.abc import Mapping
from typing import Any

from django.db.models.deletion import ProtectedError
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.services.changes import changes_apply, unique_names
from apps.cameras.validation import name_checked
from apps.core.errors import Conflict, DomainError
from apps.core.events import publish
from apps.retention.models import DEFAULT_CODE, DEFAULT_HOURS, RetentionClass

MAX_HOURS = 10 * 366 * 24
MAX_JUSTIFICATION = 1000
_CODE = re.compile(r"[a-z][a-z0-9-]{1,39}")


def class_create(*, acting_user: User, code: str, **fields: Any) -> RetentionClass:
    """Add a class; `fields` are name, hours, justification, original_hours."""
    require(acting_user, Capability.MANAGE_RETENTION)
    if not _CODE.fullmatch(code):
        raise DomainError(
            "invalid_code", _("The code has 2 to 40 small Latin letters, digits and hyphens, a letter first.")
        )
    values = _checked(RetentionClass(code=code), fields)
    with unique_names(_("retention class")):
        row = RetentionClass.objects.create(code=code, **values)
        _record(acting_user, row, "create", values)
    return row


def class_update(
    *, acting_user: User, row: RetentionClass, version: int, changes: Mapping[str, Any]
) -> RetentionClass:
    """Change a class; what is over by the new hours goes with the next sweep."""
    require(acting_user, Capability.MANAGE_RETENTION)
    values = _checked(row, changes)
    with unique_names(_("retention class")):
        changed = changes_apply(row, version=version, changes=values)
        _record(acting_user, row, "update", {"changed": changed})
        publish("retention.changed")
    return row


def class_delete(*, acting_user: User, row: RetentionClass, version: int) -> None:
    """Remove a class that no camera uses; the default class stays."""
    require(acting_user, Capability.MANAGE_RETENTION)
    if row.code == DEFAULT_CODE:
        raise Conflict("class_in_use", _("The default class cannot be removed."))
    try:
        with unique_names(_("retention class")):
            changes_apply(row, version=version, changes={})
            _record(acting_user, row, "delete", {"hours": row.hours})
            row.delete()
    except Conflict as error:
        if isinstance(error.__cause__, ProtectedError):
            raise Conflict(
                "class_in_use", _("Cameras are kept under this class. Give them another one first.")
            ) from error
        raise


def _checked(row: RetentionClass, changes: Mapping[str, Any]) -> dict[str, Any]:
    known = ("name", "hours", "justification", "original_hours")
    if unknown := changes.keys() - set(known):
        raise DomainError("unknown_field", _("Unknown fields: %s") % ", ".join(sorted(unknown)))
    values = {name: changes.get(name, getattr(row, name)) for name in known}
    values["name"] = name_checked(str(values["name"]), most=80)
    values["hours"] = _hours("hours", values["hours"], 1)
    values["original_hours"] = _hours("original_hours", values["original_hours"], 0)
    values["justification"] = str(values["justification"]).replace("\x00", "").strip()
    _check_together(values)
    return values


def _hours(field: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_HOURS:
        raise DomainError(
            f"invalid_{field}",
            _("%(field)s: expected a whole number of hours from %(least)d to %(most)d.")
            % {"field": field, "least": least, "most": MAX_HOURS},
        )
    return value


def _check_together(values: Mapping[str, Any]) -> None:
    if len(values["justification"]) > MAX_JUSTIFICATION:
        raise DomainError(
            "invalid_justification",
            _("A justification has at most %(most)d characters.") % {"most": MAX_JUSTIFICATION},
        )
    if values["original_hours"] > values["hours"]:
        raise DomainError(
            "invalid_original_hours", _("Originals are never kept longer than the redacted recording.")
        )
    longer = values["hours"] > DEFAULT_HOURS or values["original_hours"] > 0
    if longer and not values["justification"]:
        raise DomainError(
            "justification_required",
            _("More than %(hours)d hours, or originals at all, need a justification.")
            % {"hours": DEFAULT_HOURS},
        )


def _record(user: User, row: RetentionClass, verb: str, details: dict[str, Any]) -> None:
    audit.record_change(
        action=f"retention_class.{verb}",
        object_type="retention_class",
        object_id=row.code,
        details={"name": row.name, **details},
        acting_user=user,
    )
