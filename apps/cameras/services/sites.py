"""Sites and the camera groups inside them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera, CameraGroup, Site
from apps.cameras.services.changes import changes_apply, unique_names
from apps.cameras.validation import name_checked, networks_checked, time_zone_checked
from apps.core.errors import Conflict, DomainError, NotFound
from apps.core.events import publish

_SITE_FIELDS: dict[str, Callable[[Any], Any]] = {
    "name": name_checked,
    "time_zone": time_zone_checked,
    "allowed_networks": networks_checked,
}


def _site_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := changes.keys() - _SITE_FIELDS.keys():
        raise DomainError("unknown_field", _("Unknown fields: %s") % ", ".join(sorted(unknown)))
    return {name: _SITE_FIELDS[name](value) for name, value in changes.items()}


def site_create(
    *, acting_user: User, name: str, time_zone: str = "UTC", allowed_networks: Iterable[str] = ()
) -> Site:
    require(acting_user, Capability.MANAGE_SITES)
    values = _site_changes({"name": name, "time_zone": time_zone, "allowed_networks": list(allowed_networks)})
    with unique_names(_("site")):
        site = Site.objects.create(**values)
        audit.record_change(action="site.create", object_type="site", object_id=str(site.pk), details=values)
    return site


def site_update(*, acting_user: User, site: Site, version: int, changes: Mapping[str, Any]) -> Site:
    require(acting_user, Capability.MANAGE_SITES)
    values = _site_changes(changes)
    with unique_names(_("site")):
        changed = changes_apply(site, version=version, changes=values)
        audit.record_change(
            action="site.update",
            object_type="site",
            object_id=str(site.pk),
            acting_user=acting_user,
            details={"changed": changed},
        )
        for camera_id in site.cameras.values_list("pk", flat=True):
            publish("camera.changed", camera_id=str(camera_id))
    return site


def site_delete(*, acting_user: User, site: Site, version: int) -> None:
    require(acting_user, Capability.MANAGE_SITES)
    key = str(site.pk)
    with unique_names(_("site")):
        changes_apply(site, version=version, changes={})
        audit.record_change(
            action="site.delete",
            object_type="site",
            object_id=key,
            details={"name": site.name},
            acting_user=acting_user,
        )
        try:
            site.delete()
        except ProtectedError as error:
            raise Conflict(
                "site_in_use", _("This site still has cameras or groups. Move or delete them first.")
            ) from error


def group_create(*, acting_user: User, site: Site, name: str) -> CameraGroup:
    require(acting_user, Capability.MANAGE_SITES)
    name = name_checked(name)
    with unique_names(_("camera group")):
        group = CameraGroup.objects.create(site=site, name=name)
        audit.record_change(
            action="group.create",
            object_type="camera_group",
            object_id=str(group.pk),
            acting_user=acting_user,
            details={"name": name, "site": str(site.pk)},
        )
    return group


def group_update(*, acting_user: User, group: CameraGroup, version: int, name: str) -> CameraGroup:
    require(acting_user, Capability.MANAGE_SITES)
    name = name_checked(name)
    with unique_names(_("camera group")):
        changed = changes_apply(group, version=version, changes={"name": name})
        audit.record_change(
            action="group.update",
            object_type="camera_group",
            object_id=str(group.pk),
            acting_user=acting_user,
            details={"changed": changed},
        )
    return group


def group_set_cameras(
    *, acting_user: User, group: CameraGroup, version: int, camera_ids: Iterable[object]
) -> CameraGroup:
    """Replace the members of a group; a grant of the group then reaches exactly these cameras."""
    require(acting_user, Capability.MANAGE_SITES)
    wanted = {str(key) for key in camera_ids}
    with unique_names(_("camera group")):
        cameras = list(Camera.objects.filter(site_id=group.site_id, pk__in=wanted))
        if len(cameras) != len(wanted):
            raise NotFound(_("camera"))
        before = sorted(str(key) for key in group.cameras.values_list("pk", flat=True))
        changes_apply(group, version=version, changes={})
        group.cameras.set(cameras)
        audit.record_change(
            action="group.set_cameras",
            object_type="camera_group",
            object_id=str(group.pk),
            acting_user=acting_user,
            details={"changed": {"cameras": [before, sorted(wanted)]}},
        )
        publish("grants.changed", group_id=str(group.pk))
        for camera_id in wanted.symmetric_difference(before):  # a consent may reach them by their group
            publish("camera.changed", camera_id=camera_id)
    return group


def group_delete(*, acting_user: User, group: CameraGroup, version: int) -> None:
    require(acting_user, Capability.MANAGE_SITES)
    key = str(group.pk)
    with unique_names(_("camera group")):
        changes_apply(group, version=version, changes={})
        audit.record_change(
            action="group.delete",
            object_type="camera_group",
            object_id=key,
            acting_user=acting_user,
            details={"name": group.name, "site": str(group.site_id)},
        )
        group.delete()
        publish("grants.changed", group_id=key)
