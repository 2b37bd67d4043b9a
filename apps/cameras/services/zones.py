"""Zones and privacy masks of a camera."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.geometry import polygon_checked
from apps.cameras.models import Camera, Script, Zone, ZoneKind, ZoneTarget
from apps.cameras.services.changes import changes_apply, unique_names
from apps.cameras.services.fields import flag_checked
from apps.cameras.validation import choice_checked, name_checked
from apps.core.errors import DomainError
from apps.core.events import publish

MAX_ZONES = 32
_FIELDS: dict[str, Callable[[Any], Any]] = {
    "name": lambda value: name_checked(value, most=80),
    "kind": lambda value: choice_checked("kind", value, ZoneKind.values),
    "polygon": polygon_checked,
    "script": lambda value: choice_checked("script", value, ["", *Script.values]),
    "redaction_target": lambda value: choice_checked("redaction_target", value, ZoneTarget.values),
    "redact_text": flag_checked("redact_text"),
}


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := fields.keys() - _FIELDS.keys():
        raise DomainError("unknown_field", _("Unknown fields: %s") % ", ".join(sorted(unknown)))
    return {name: _FIELDS[name](value) for name, value in fields.items()}


def _check_script(kind: str, script: str) -> None:
    if script and kind != ZoneKind.READ_TEXT:
        raise DomainError(
            "invalid_script", _("A writing system is chosen only for a zone in which text is read.")
        )


def _check_cover(kind: str, target: str, *, text: bool) -> None:
    if kind == ZoneKind.COVER and not target and not text:
        raise DomainError(
            "invalid_redaction_target", _("Choose what is covered in this zone beyond its camera.")
        )


def zone_create(
    *,
    acting_user: User,
    camera: Camera,
    name: str,
    kind: str,
    polygon: Any,
    script: str = "",
    redaction_target: str = "",
    redact_text: bool = False,
) -> Zone:
    """Add a zone; `redaction_target` and `redact_text` cover more in it than its camera does, never less."""
    require(acting_user, Capability.MANAGE_CAMERAS)
    covers = {"redaction_target": redaction_target, "redact_text": redact_text}
    values = _checked({"name": name, "kind": kind, "polygon": polygon, "script": script, **covers})
    _check_script(kind, script)
    _check_cover(kind, redaction_target, text=redact_text)
    with unique_names(_("zone")):
        if camera.zones.count() >= MAX_ZONES:
            raise DomainError(
                "too_many_zones", _("A camera has at most %(most)d zones.") % {"most": MAX_ZONES}
            )
        zone = Zone.objects.create(camera=camera, **values)
        _record(acting_user, zone, "create", values)
    return zone


def zone_update(*, acting_user: User, zone: Zone, version: int, changes: Mapping[str, Any]) -> Zone:
    require(acting_user, Capability.MANAGE_CAMERAS)
    values = _checked(changes)
    after = {name: values.get(name, getattr(zone, name)) for name in _FIELDS}
    _check_script(after["kind"], after["script"])
    _check_cover(after["kind"], after["redaction_target"], text=after["redact_text"])
    with unique_names(_("zone")):
        changed = changes_apply(zone, version=version, changes=values)
        _record(acting_user, zone, "update", {"changed": changed})
    return zone


def zone_delete(*, acting_user: User, zone: Zone, version: int) -> None:
    require(acting_user, Capability.MANAGE_CAMERAS)
    with unique_names(_("zone")):
        changes_apply(zone, version=version, changes={})
        _record(acting_user, zone, "delete", {"name": zone.name, "kind": zone.kind, "polygon": zone.polygon})
        zone.delete()


def _record(user: User, zone: Zone, verb: str, details: dict[str, Any]) -> None:
    audit.record_change(
        action=f"zone.{verb}",
        object_type="zone",
        object_id=str(zone.pk),
        camera_id=zone.camera_id,
        details=details,
        acting_user=user,
    )
    publish("camera.changed", camera_id=str(zone.camera_id))
