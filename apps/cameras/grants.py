"""Which sites and camera groups are granted to a user: read from the direct-FK permission rows.

`watch` opens the redacted pictures, `triage` lets a user confirm, dismiss and flag events.
"""

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.models import User
from apps.cameras.models import (
    Camera,
    CameraGroup,
    CameraGroupGroupPermission,
    CameraGroupUserPermission,
    Site,
    SiteGroupPermission,
    SiteUserPermission,
)
from apps.core.errors import DomainError

Viewer = User | AnonymousUser

WATCH = "watch"
TRIAGE = "triage"
PERMISSIONS = {WATCH: gettext_lazy("Watch"), TRIAGE: gettext_lazy("Triage and flag")}


def permission_checked(permission: str) -> str:
    """`watch` or `triage`; the full code name (`watch_site`) is taken too."""
    short = permission.partition("_")[0]
    if short not in PERMISSIONS:
        raise DomainError("invalid_permission", _("The permission is either “watch” or “triage”."))
    return short


def is_signed_in(user: Viewer) -> bool:
    return user.is_authenticated and user.is_active


def granted_site_ids(user: Viewer, permission: str) -> Q:
    """Condition on a site's primary key."""
    codename = f"{permission}_site"
    by_user = SiteUserPermission.objects.filter(user_id=user.pk, permission__codename=codename)
    by_group = SiteGroupPermission.objects.filter(group__user=user.pk, permission__codename=codename)
    return Q(pk__in=by_user.values("content_object")) | Q(pk__in=by_group.values("content_object"))


def granted_group_ids(user: Viewer, permission: str) -> Q:
    """Condition on a camera group's primary key."""
    codename = f"{permission}_cameragroup"
    by_user = CameraGroupUserPermission.objects.filter(user_id=user.pk, permission__codename=codename)
    by_group = CameraGroupGroupPermission.objects.filter(group__user=user.pk, permission__codename=codename)
    return Q(pk__in=by_user.values("content_object")) | Q(pk__in=by_group.values("content_object"))


def cameras_granted(user: Viewer, permission: str) -> QuerySet[Camera]:
    """Cameras on which `user` holds `permission`, by site or by group, inside the token's groups."""
    if not is_signed_in(user):
        return Camera.objects.none()
    sites = Site.objects.filter(granted_site_ids(user, permission))
    groups = CameraGroup.objects.filter(granted_group_ids(user, permission))
    members = Camera.groups.through.objects.filter(cameragroup__in=groups.order_by().values("pk"))
    granted = Camera.objects.filter(
        Q(site__in=sites.order_by().values("pk")) | Q(pk__in=members.values("camera"))
    )
    return within_token(user, granted)


def within_token(user: Viewer, cameras: QuerySet[Camera]) -> QuerySet[Camera]:
    """A token that names camera groups reaches the cameras of these groups alone."""
    token = getattr(user, "token_scope", None)
    if token is None or not token.group_ids:
        return cameras
    members = Camera.groups.through.objects.filter(cameragroup__in=token.group_ids)
    return cameras.filter(pk__in=members.values("camera"))
