"""Entries of the register for tests of anything but the register: a camera without one does not stream."""

from datetime import UTC, datetime
from typing import Any

from apps.cameras.models import Camera
from apps.consent.models import LawfulBasis, Purpose, PurposeStage

FIELDS: dict[str, Any] = {
    "purpose": "Safety of the entrance",
    "lawful_basis": LawfulBasis.LEGITIMATE_INTERESTS.value,
    "interest": "Protection of staff and goods",
    "controller": "Example Ltd",
    "controller_contact": "privacy@example.org",
    "stages": list(PurposeStage.values),
}


def purpose_add(camera: Camera, **fields: Any) -> Purpose:
    """An entry that allows everything at all times, but for `fields`."""
    values = {"valid_from": datetime(2026, 1, 1, tzinfo=UTC), **FIELDS, **fields}
    return Purpose.objects.create(camera=camera, camera_name=camera.name, **values)
