"""What a camera records, and under which class it is kept."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera
from apps.cameras.validation import choice_checked
from apps.core.errors import Conflict
from apps.core.events import publish
from apps.retention.models import CameraRetention, RecordingMode, RetentionClass


def camera_retention_set(
    *, acting_user: User, camera: Camera, version: int, retention_class: RetentionClass | None, recording: str
) -> CameraRetention:
    """Choose class and recording of a camera; no class means that of its purpose.

    `version` 0 says that the camera had the defaults.
    """
    require(acting_user, Capability.MANAGE_RETENTION)
    recording = choice_checked("recording", recording, RecordingMode.values)
    with transaction.atomic():
        Camera.objects.select_for_update().get(pk=camera.pk)
        before = CameraRetention.objects.select_related("retention_class").filter(camera=camera).first()
        if (before.version if before else 0) != version:
            raise Conflict(
                "version_conflict",
                _("Somebody changed this meanwhile. Load it again and repeat your change."),
            )
        row, _created = CameraRetention.objects.update_or_create(
            camera=camera,
            defaults={
                "retention_class": retention_class,
                "recording": recording,
                "version": version + 1,
            },
        )
        audit.record_change(
            action="camera.retention",
            object_type="camera",
            object_id=str(camera.pk),
            camera_id=camera.pk,
            details={
                "before": [_code(before.retention_class), before.recording] if before else None,
                "after": [_code(retention_class), recording],
            },
            acting_user=acting_user,
        )
        publish("camera.changed", camera_id=str(camera.pk))
    return row


def _code(retention_class: RetentionClass | None) -> str:
    return retention_class.code if retention_class is not None else ""
