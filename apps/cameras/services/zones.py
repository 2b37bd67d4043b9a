"""Zones and privacy masks of a camera."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.geometry import polygon_checked
from apps.cameras.models import Camera, Script, Zone, ZoneKind
from apps.cameras.services.changes import changes_apply, unique_names
from apps.cameras.validation import choice_checked, name_checked
from apps.core.errors import DomainError
from apps.core.events import publish

MAX_ZONES = 32
_FIELDS: dict[str, Callable[[Any], Any]] = {
    "name": lambda value: name_checked(value, most=80),
    "kind": lambda value: choice_checked("kind", value, ZoneKind.values),
    "polygon": polygon_checked,
    "script": lambda value: choice_checked("script", value, ["", *Script.values]),
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


def zone_create(
    *, acting_user: User, camera: Camera, name: str, kind: str, polygon: Any, script: str = ""
) -> Zone:
    require(acting_user, Capability.MANAGE_CAMERAS)
    values = _checked({"name": name, "kind": kind, "polygon": polygon, "script": script})
    _check_script(kind, script)
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
    _check_script(values.get("kind", zone.kind), values.get("script", zone.script))
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
