"""What a camera's lease lets be recorded: its mode, and the key of the day where originals are kept."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from apps.cameras.models import Camera
from apps.retention.selectors import classes_by_camera, recording_modes
from inference_workers.contracts.recording import RecordingMode, RecordingPolicy

Policies = Mapping[UUID, RecordingPolicy]


def recording_policies(cameras: Iterable[Camera]) -> dict[UUID, RecordingPolicy]:
    """The policy of each camera, in a number of queries that does not grow with them."""
    modes = recording_modes()
    keep = {key for key, row in classes_by_camera().items() if row.original_hours}
    return {camera.pk: _policy(camera, modes.get(camera.pk), keep) for camera in cameras}


def recording_policy(camera: Camera) -> RecordingPolicy:
    return recording_policies([camera])[camera.pk]


def _policy(camera: Camera, mode: str | None, keep_originals: set[UUID]) -> RecordingPolicy:
    return RecordingPolicy(mode=RecordingMode(mode or RecordingMode.EVENTS))
