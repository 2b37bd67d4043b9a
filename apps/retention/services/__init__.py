"""Changes of classes, cameras and holds by people; the sweeper that does what follows from them."""

from apps.retention.services.cameras import camera_retention_set
from apps.retention.services.classes import class_create, class_delete, class_update
from apps.retention.services.holds import hold_place, hold_release
from apps.retention.services.sweeper import doomed_delete, objects_doom, retention_sweep, sweep_by_hand

__all__ = [
    "camera_retention_set",
    "class_create",
    "class_delete",
    "class_update",
    "doomed_delete",
    "hold_place",
    "hold_release",
    "objects_doom",
    "retention_sweep",
    "sweep_by_hand",
]
