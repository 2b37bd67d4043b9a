"""Who sees which site, group and camera. Views and services look cameras up here and nowhere else."""

from collections.abc import Iterable
from typing import TypeVar, cast
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import Role, User
from apps.accounts.roles import Capability, user_can
from apps.audit import services as audit
from apps.cameras.grants import (
    TRIAGE,
    WATCH,
    Viewer,
    cameras_granted,
    granted_group_ids,
    granted_site_ids,
    is_signed_in,
    within_token,
)
from apps.cameras.models import (
    Camera,
    CameraGroup,
    CameraGroupUserPermission,
    Site,
    SiteUserPermission,
    Zone,
)
from apps.core.errors import NotFound

Row = TypeVar("Row", bound=Model)

_SEES_ALL_METADATA = (Role.ADMINISTRATOR, Role.COMPLIANCE)
_PICTURES = (
    Capability.WATCH_LIVE,
    Capability.SEE_RECORDINGS,
    Capability.REQUEST_UNMASKING,
    Capability.EXPORT_EVIDENCE,
    Capability.EVALUATE_MODELS,
)
_EVENTS = (Capability.SEE_EVENTS,)
_TRIAGE = (Capability.TRIAGE_EVENTS, Capability.FLAG_EVENTS)


def _sees_all_metadata(user: Viewer) -> bool:
    return is_signed_in(user) and cast(User, user).role in _SEES_ALL_METADATA


def _loaded(cameras: QuerySet[Camera]) -> QuerySet[Camera]:
    return cameras.select_related("site").order_by("site__name", "name", "pk")


def cameras_visible_to(user: Viewer) -> QuerySet[Camera]:
    """Cameras whose name, place and state a user may know: all for administrators and compliance."""
    if _sees_all_metadata(user):
        return _loaded(within_token(user, Camera.objects.all()))
    return _loaded(cameras_granted(user, WATCH) | cameras_granted(user, TRIAGE))


def cameras_watchable_by(user: Viewer) -> QuerySet[Camera]:
    """Cameras whose pictures a user may see: by grant alone, for every role."""
    return _loaded(cameras_granted(user, WATCH))


def cameras_reviewable_by(user: Viewer) -> QuerySet[Camera]:
    """Cameras whose events and readings a user may read: by grant; compliance reads all of them."""
    if is_signed_in(user) and cast(User, user).role == Role.COMPLIANCE:
        return _loaded(within_token(user, Camera.objects.all()))
    return cameras_watchable_by(user)


def cameras_triageable_by(user: Viewer) -> QuerySet[Camera]:
    return _loaded(cameras_granted(user, TRIAGE))


def cameras_for(user: Viewer, capability: Capability) -> QuerySet[Camera]:
    """The cameras on which `user` may use `capability`; empty when the role or the token lacks it."""
    if not is_signed_in(user) or not user_can(user, capability):
        return Camera.objects.none()
    if capability in _PICTURES:
        return cameras_watchable_by(user)
    if capability in _EVENTS:
        return cameras_reviewable_by(user)
    if capability in _TRIAGE:
        return cameras_triageable_by(user)
    return cameras_visible_to(user)


def as_uuid(value: object) -> UUID | None:
    """An identifier from an address; None when it is no UUID."""
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        return None


def by_key(rows: QuerySet[Row], value: object) -> QuerySet[Row]:
    """The rows narrowed to one identifier from outside; none when it is no UUID."""
    key = as_uuid(value)
    return rows.none() if key is None else rows.filter(pk=key)


def access_camera(user: Viewer, camera_id: object, *, purpose: str, capability: Capability) -> Camera:
    """The camera, if `user` may use `capability` on it.

    Missing and forbidden raise the same NotFound; a forbidden attempt is written into the record.
    """
    key = as_uuid(camera_id)
    if key is None:
        raise NotFound(_("camera"))
    camera = cameras_for(user, capability).filter(pk=key).first()
    if camera is not None:
        return camera
    if Camera.objects.filter(pk=key).exists():
        refusal_record(user, "camera", key, capability, purpose)
    raise NotFound(_("camera"))


def refusal_record(
    user: Viewer, object_type: str, key: UUID, capability: Capability, purpose: str = ""
) -> None:
    """Somebody asked for an object that exists and is not open to them."""
    audit.record_refusal(
        action=f"{object_type}.{capability}",
        object_type=object_type,
        object_id=str(key),
        acting_user=user,
        purpose=purpose,
    )


def sites_visible_to(user: Viewer) -> QuerySet[Site]:
    """Sites with a visible camera or a grant of their own; all for administrators and compliance."""
    if not is_signed_in(user):
        return Site.objects.none()
    token = getattr(user, "token_scope", None)
    if _sees_all_metadata(user) and not (token and token.group_ids):
        return Site.objects.all()
    with_camera = Q(pk__in=cameras_visible_to(user).order_by().values("site"))
    if token and token.group_ids:
        return Site.objects.filter(with_camera)
    return Site.objects.filter(with_camera | granted_site_ids(user, WATCH))


def groups_visible_to(user: Viewer) -> QuerySet[CameraGroup]:
    if not is_signed_in(user):
        return CameraGroup.objects.none()
    groups = CameraGroup.objects.select_related("site")
    token = getattr(user, "token_scope", None)
    if token and token.group_ids:
        groups = groups.filter(pk__in=token.group_ids)
    if _sees_all_metadata(user):
        return groups
    of_sites = Q(site__in=Site.objects.filter(granted_site_ids(user, WATCH)).order_by().values("pk"))
    return groups.filter(of_sites | granted_group_ids(user, WATCH))


def site_get(user: Viewer, site_id: object) -> Site:
    site = by_key(sites_visible_to(user), site_id).first()
    if site is None:
        raise NotFound(_("site"))
    return site


def group_get(user: Viewer, group_id: object) -> CameraGroup:
    group = by_key(groups_visible_to(user), group_id).first()
    if group is None:
        raise NotFound(_("camera group"))
    return group


def zones_of(camera: Camera) -> QuerySet[Zone]:
    return Zone.objects.filter(camera=camera).order_by("name", "pk")


def zone_get(camera: Camera, zone_id: object) -> Zone:
    zone = by_key(zones_of(camera), zone_id).first()
    if zone is None:
        raise NotFound(_("zone"))
    return zone


def has_credentials(camera: Camera) -> bool:
    return hasattr(camera, "credential")


def site_grants() -> QuerySet[SiteUserPermission]:
    """Grants of whole sites, for the page of administrators."""
    return SiteUserPermission.objects.select_related("user", "permission", "content_object").order_by(
        "content_object__name", "user__username", "permission__codename"
    )


def group_grants() -> QuerySet[CameraGroupUserPermission]:
    return CameraGroupUserPermission.objects.select_related(
        "user", "permission", "content_object__site"
    ).order_by("content_object__name", "user__username", "permission__codename")


def zones_of_cameras(cameras: Iterable[Camera]) -> QuerySet[Zone]:
    """The zones of cameras that were looked up here, for a filter."""
    return (
        Zone.objects.filter(camera__in=[camera.pk for camera in cameras])
        .select_related("camera")
        .order_by("camera__name", "name")
    )
