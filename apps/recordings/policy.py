"""What a camera's lease lets be recorded: its mode, and the key of the day where originals are kept."""

from collections.abc import Iterable
from uuid import UUID

from apps.cameras.models import Camera
from apps.recordings.keys import seal_keys
from apps.retention.selectors import classes_by_camera, default_class, recording_modes
from inference_workers.contracts.recording import RecordingMode, RecordingPolicy


def recording_policies(cameras: Iterable[Camera]) -> dict[UUID, RecordingPolicy]:
    """The policy of each camera, in a number of queries that does not grow with them."""
    cameras = list(cameras)
    modes, classes, default = recording_modes(), classes_by_camera(), default_class()
    chosen = {camera.pk: RecordingMode(modes.get(camera.pk, RecordingMode.EVENTS)) for camera in cameras}
    sealed = [
        key
        for key, mode in chosen.items()
        if mode is not RecordingMode.OFF and classes.get(key, default).original_hours
    ]
    keys = seal_keys(sealed) if sealed else {}
    return {key: RecordingPolicy(mode=mode, seal=keys.get(key)) for key, mode in chosen.items()}


def recording_policy(camera: Camera) -> RecordingPolicy:
    return recording_policies([camera])[camera.pk]
