"""Redacted snapshots: read by the id of an event or a reading, never by a key from outside."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.audit import services as audit
from apps.cameras.grants import Viewer
from apps.cameras.probing import preview_key, probe_get
from apps.cameras.selectors import as_uuid, cameras_watchable_by
from apps.core.errors import NotFound
from apps.core.objects import object_get
from apps.detections.looks import model_of
from apps.detections.models import Event, Reading
from apps.detections.selectors import event_look_up, reading_look_up


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A redacted JPEG and how it was redacted: "tracks", "mosaic", or "redacted" where nobody said how."""

    jpeg: bytes
    redaction: str


def snapshot_open(user: Viewer, event_id: object, purpose: str) -> Snapshot:
    """The picture of an event. Needs the watch grant; who saw it is on record before it is returned."""
    event = event_look_up(user, event_id, purpose=purpose)
    return _open(user, event, event.snapshot_key, event.snapshot_redaction, purpose)


def reading_snapshot_open(user: Viewer, reading_id: object, purpose: str) -> Snapshot:
    """The picture in which a text was read."""
    reading = reading_look_up(user, reading_id, purpose=purpose)
    return _open(user, reading, reading.snapshot_key, "redacted", purpose)


def preview_open(user: User, probe_id: str) -> bytes:
    """The picture of a camera's test, covered as a whole; for the person who asked for the test."""
    probe = probe_get(user, probe_id)
    jpeg = object_get(preview_key(probe_id))
    with transaction.atomic():
        audit.record_access(
            action="camera.preview",
            object_type="probe",
            object_id=probe_id,
            camera_id=as_uuid(probe.camera_id) if probe.camera_id else None,
            redacted=True,
            details={"redaction": "mosaic"},
            acting_user=user,
            purpose="maintenance",
        )
    return jpeg


def _open(user: Viewer, row: Event | Reading, key: str, redaction: str, purpose: str) -> Snapshot:
    if not cameras_watchable_by(user).filter(pk=row.camera_id).exists():
        audit.record_refusal(
            action="snapshot.view",
            object_type=str(row._meta.model_name),
            object_id=str(row.pk),
            acting_user=user,
            purpose=purpose,
        )
        raise NotFound(_("snapshot"))
    if not key:
        raise NotFound(_("snapshot"))
    jpeg = object_get(key)
    with transaction.atomic():
        audit.record_access(
            action="snapshot.view",
            object_type=str(row._meta.model_name),
            object_id=str(row.pk),
            camera_id=row.camera_id,
            redacted=True,
            details={"redaction": redaction, "model": model_of(row)},
            acting_user=user,
            purpose=purpose,
        )
    return Snapshot(jpeg, redaction)
