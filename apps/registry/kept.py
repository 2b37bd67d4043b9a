"""Detectors of zones and classifiers of cascades as plain values: kept with what was assigned, and put back.

Cascades that read are not among them: they say where text is read, which is no matter of versions. What reads
is a stage's version, and going back must not let more text be read than now.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.cameras.models import Camera, Zone
from apps.core.errors import Conflict
from apps.core.events import publish
from apps.registry.cascades import cascade_record
from apps.registry.models import Cascade, CascadeStage, ZoneDetector
from apps.registry.zones import zone_record
from inference_workers.contracts.lease import MAX_CASCADES

Plain = dict[str, Any]


def zones_now() -> dict[str, str]:
    """By zone the version of its own detector."""
    rows = ZoneDetector.objects.order_by("zone_id").values_list("zone_id", "version_id")
    return {str(zone): str(version) for zone, version in rows}


def cascades_now() -> dict[str, list[Plain]]:
    """By camera the cascades with a classifier; the same settings give the same values."""
    found: dict[str, list[Plain]] = defaultdict(list)
    for row in Cascade.objects.filter(stage=CascadeStage.CLASSIFY):
        found[str(row.camera_id)].append(_plain(row))
    return {camera: sorted(found[camera], key=str) for camera in sorted(found)}


def versions_in(zones: Mapping[str, str], cascades: Mapping[str, Iterable[Plain]]) -> set[str]:
    return {*zones.values(), *(item["version"] for items in cascades.values() for item in items)}


def zones_put(*, acting_user: User, wanted: Mapping[str, str]) -> None:
    """Make it so again, inside of a transaction; zones that are gone stay gone.

    A version that cannot serve now is given all the same: until it can, the camera's detector looks there.
    """
    there = {str(zone.pk): zone for zone in Zone.objects.all()}
    rows = {str(row.zone_id): row for row in ZoneDetector.objects.select_related("version")}
    for key, zone in there.items():
        version_id, row = wanted.get(key), rows.get(key)
        if version_id == (str(row.version_id) if row else None):
            continue
        if version_id is not None:
            made, _new = ZoneDetector.objects.update_or_create(zone=zone, defaults={"version_id": version_id})
            before = str(row.version_id) if row else None
            zone_record("model.assign_zone", zone, made.version, acting_user, before=before)
        elif row is not None:
            zone_record("model.unassign_zone", zone, row.version, acting_user)
            row.delete()
        publish("camera.changed", camera_id=str(zone.camera_id))


def cascades_put(*, acting_user: User, wanted: Mapping[str, list[Plain]]) -> None:
    """Make it so again, inside of a transaction; cameras and zones that are gone stay gone."""
    zones = {str(key) for key in Zone.objects.values_list("pk", flat=True)}
    rows: dict[str, list[Cascade]] = defaultdict(list)
    for row in Cascade.objects.select_related("version"):
        rows[str(row.camera_id)].append(row)
    for camera in Camera.objects.select_for_update(of=("self",)):
        key = str(camera.pk)
        items = [item for item in wanted.get(key, ()) if item["zone"] is None or item["zone"] in zones]
        _put(acting_user, camera, rows[key], items)


def _put(acting_user: User, camera: Camera, rows: list[Cascade], items: list[Plain]) -> None:
    missing, going = list(items), []
    for row in rows:
        if row.stage != CascadeStage.CLASSIFY:
            continue
        plain = _plain(row)
        if plain in missing:
            missing.remove(plain)
        else:
            going.append(row)
    if len(rows) - len(going) + len(missing) > MAX_CASCADES:
        raise Conflict(
            "too_many_cascades",
            _("A camera has at most %(most)d cascades; remove one first.") % {"most": MAX_CASCADES},
        )
    for row in going:
        cascade_record("model.cascade_remove", row, acting_user)
        row.delete()
    for item in missing:
        made = Cascade.objects.create(
            camera=camera, stage=CascadeStage.CLASSIFY, zone_id=item["zone"], name=item["name"],
            labels=item["labels"], version_id=item["version"], every_s=item["every_s"],
        )  # fmt: skip
        cascade_record("model.cascade_add", made, acting_user)
    if going or missing:
        publish("camera.changed", camera_id=str(camera.pk))


def _plain(row: Cascade) -> Plain:
    return {
        "zone": str(row.zone_id) if row.zone_id else None,
        "name": row.name,
        "labels": list(row.labels),
        "version": str(row.version_id),
        "every_s": row.every_s,
    }
