"""Zones with a detector of their own: which version, given by whom."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera, Zone
from apps.core.errors import DomainError
from apps.core.events import publish
from apps.registry.choice import usable, why_unusable
from apps.registry.models import ModelTask, ModelVersion, ZoneDetector


def zone_detectors(cameras: Iterable[Camera]) -> dict[UUID, ModelVersion]:
    """By zone, the versions that can serve. A zone whose version is gone is looked at with its camera."""
    rows = ZoneDetector.objects.filter(zone__camera__in=[camera.pk for camera in cameras])
    return {row.zone_id: row.version for row in rows.select_related("version") if usable(row.version)}


def zone_detector_assign(*, acting_user: User, zone: Zone, version: ModelVersion) -> ZoneDetector:
    """Let `version` detect in this zone; the camera's lease says so at once."""
    require(acting_user, Capability.ASSIGN_MODELS)
    if version.task != ModelTask.DETECTION:
        raise DomainError(
            "wrong_task",
            _("A zone needs a model for %(expected)s, this one is for %(task)s.")
            % {"expected": ModelTask.DETECTION.label, "task": version.get_task_display()},
        )
    if not usable(version):
        raise DomainError("version_unusable", why_unusable(version))
    with transaction.atomic():
        before = ZoneDetector.objects.filter(zone=zone).values_list("version_id", flat=True).first()
        row, _created = ZoneDetector.objects.update_or_create(zone=zone, defaults={"version": version})
        zone_record("model.assign_zone", zone, version, acting_user, before=str(before) if before else None)
        publish("camera.changed", camera_id=str(zone.camera_id))
    return row


def zone_detector_clear(*, acting_user: User, zone: Zone) -> bool:
    """The zone is looked at with its camera again; False when it had no detector of its own."""
    require(acting_user, Capability.ASSIGN_MODELS)
    with transaction.atomic():
        row = ZoneDetector.objects.select_related("version").filter(zone=zone).first()
        if row is None:
            return False
        zone_record("model.unassign_zone", zone, row.version, acting_user)
        row.delete()
        publish("camera.changed", camera_id=str(zone.camera_id))
    return True


def zone_record(
    action: str, zone: Zone, version: ModelVersion, acting_user: User, **details: str | None
) -> None:
    """Inside of the transaction of what it tells."""
    audit.record_change(
        action=action,
        object_type="model_version",
        object_id=str(version.pk),
        details={
            "name": version.name,
            "sha256": version.sha256,
            "camera": str(zone.camera_id),
            "zone": str(zone.pk),
            **details,
        },
        acting_user=acting_user,
    )
