"""Grants: who may watch or triage the cameras of a site or of a camera group."""

from typing import Any

from django.contrib.auth.models import Permission
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.grants import permission_checked
from apps.cameras.models import CameraGroup, CameraGroupUserPermission, Site, SiteUserPermission
from apps.core.errors import DomainError
from apps.core.events import publish

Target = Site | CameraGroup


def grant_give(
    *,
    acting_user: User,
    user: User,
    permission: str,
    site: Site | None = None,
    group: CameraGroup | None = None,
) -> bool:
    """Grant `watch` or `triage` on exactly one of `site` and `group`; False when it was granted before."""
    require(acting_user, Capability.MANAGE_USERS)
    target = _target(site, group)
    with transaction.atomic():
        _row, created = _rows(target).get_or_create(
            user=user, content_object=target, permission=_permission(target, permission)
        )
        if created:
            _record(acting_user, "give", user, target, permission)
    return bool(created)


def grant_revoke(
    *,
    acting_user: User,
    user: User,
    permission: str,
    site: Site | None = None,
    group: CameraGroup | None = None,
) -> bool:
    """Withdraw a grant; False when there was none. Open live views close within two seconds."""
    require(acting_user, Capability.MANAGE_USERS)
    target = _target(site, group)
    with transaction.atomic():
        deleted, _rows_by_model = (
            _rows(target)
            .filter(user=user, content_object=target, permission=_permission(target, permission))
            .delete()
        )
        if deleted:
            _record(acting_user, "revoke", user, target, permission)
    return bool(deleted)


def _target(site: Site | None, group: CameraGroup | None) -> Target:
    if (site is None) == (group is None):
        raise DomainError("invalid_grant", _("A grant names either a site or a camera group."))
    return site or group  # type: ignore[return-value]  # one of them is set


def _rows(target: Target) -> Any:
    if isinstance(target, Site):
        return SiteUserPermission.objects
    return CameraGroupUserPermission.objects


def _permission(target: Target, permission: str) -> Permission:
    model = target._meta.model_name
    return Permission.objects.get(
        content_type__app_label="cameras",
        content_type__model=model,
        codename=f"{permission_checked(permission)}_{model}",
    )


def _record(acting_user: User, verb: str, user: User, target: Target, permission: str) -> None:
    audit.record_change(
        action=f"grant.{verb}",
        object_type="site" if isinstance(target, Site) else "camera_group",
        object_id=str(target.pk),
        details={
            "user_id": str(user.pk),
            "user": user.username,
            "permission": permission_checked(permission),
        },
        acting_user=acting_user,
    )
    publish("grants.changed", user_id=str(user.pk))
