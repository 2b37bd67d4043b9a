"""Puts sites, groups, cameras, zones and grants of the demonstration in place, once."""

from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction

from apps.accounts.models import User
from apps.audit import services as audit
from apps.audit.models import AuditRecord
from apps.cameras.demo.cast import DemoSite, cast
from apps.cameras.demo.footage import Wanted
from apps.cameras.models import Camera, CameraGroup, Site
from apps.cameras.services import (
    camera_create,
    camera_disable,
    camera_enable,
    grant_give,
    group_create,
    group_set_cameras,
    site_create,
    zone_create,
)

ACTION = "demo.show"


@transaction.atomic
def demo_show(*, footage: str, wanted: Sequence[Wanted], people: dict[str, User]) -> bool:
    """Show `footage` ("drawn", or the folder of the clips); False when it is what is shown already.

    What a person changed or deleted since stays as it is. Demo cameras of other footage are disabled, and
    enabled again when their footage comes back.
    """
    if _shown() == footage:
        return False
    adam = people["adam"]
    sites = {site.key: _site(adam, site) for site in cast().sites}
    _switch(adam, wanted)
    members: dict[CameraGroup, list[Camera]] = defaultdict(list)
    for item in wanted:
        site = sites[item.spot.site]
        camera = Camera.objects.filter(site=site, name=item.name).first() or _camera(adam, site, item)
        members[_group(adam, site, item.spot.group)].append(camera)
    for group, cameras in members.items():
        ids = {*group.cameras.values_list("pk", flat=True), *(camera.pk for camera in cameras)}
        group_set_cameras(acting_user=adam, group=group, version=group.version, camera_ids=ids)
    for grant in cast().grants:
        grant_give(
            acting_user=adam, user=people[grant.username], site=sites[grant.site], permission=grant.permission
        )
    audit.record_system(action=ACTION, object_type="demo", object_id="footage", details={"footage": footage})
    return True


def _shown() -> str | None:
    record = AuditRecord.objects.filter(action=ACTION).order_by("-seq").first()
    return record.details["footage"] if record is not None else None


def _site(adam: User, site: DemoSite) -> Site:
    found = Site.objects.filter(name=site.name).first()
    return found or site_create(acting_user=adam, name=site.name, time_zone=site.time_zone)


def _group(adam: User, site: Site, name: str) -> CameraGroup:
    found = CameraGroup.objects.filter(site=site, name=name).first()
    return found or group_create(acting_user=adam, site=site, name=name)


def _switch(adam: User, wanted: Sequence[Wanted]) -> None:
    urls = {item.url for item in wanted}
    for camera in Camera.objects.filter(demo=True):
        if camera.url in urls and not camera.enabled:
            camera_enable(acting_user=adam, camera=camera, version=camera.version)
        elif camera.url not in urls and camera.enabled:
            camera_disable(
                acting_user=adam, camera=camera, version=camera.version, reason="other demo footage is shown"
            )


def _camera(adam: User, site: Site, item: Wanted) -> Camera:
    camera = camera_create(
        acting_user=adam,
        site=site,
        name=item.name,
        kind=item.kind,
        url=item.url,
        demo=True,
        read_text=item.read_text,
        plan_x=item.spot.x,
        plan_y=item.spot.y,
        tags=["demo"],
    )
    for zone in item.zones:
        zone_create(acting_user=adam, camera=camera, **zone)
    return camera
