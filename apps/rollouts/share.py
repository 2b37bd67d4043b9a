"""Which cameras a step of a rollout reaches: decided by a hash, so that nobody has to remember it."""

import hashlib
from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

Key = TypeVar("Key", UUID, str)
_WHOLE = 1 << 64


def place_of(salt: str, camera_id: UUID | str) -> float:
    """The place of a camera in a rollout, 0 <= place < 1: SHA-256 over the rollout's salt and its id.

    The same after every restart and on every machine; another rollout has another salt and another order.
    """
    digest = hashlib.sha256(f"{salt}:{camera_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / _WHOLE


def is_reached(salt: str, camera_id: UUID | str, percent: float) -> bool:
    """Whether a step of `percent` reaches the camera. A camera in at 5 % is in at every larger step."""
    return place_of(salt, camera_id) < percent / 100


def reached(
    salt: str,
    cameras: Iterable[Key],
    percent: float,
    *,
    pinned: Iterable[Key] = (),
    excluded: Iterable[Key] = (),
) -> set[Key]:
    """The cameras of a step: those of the hash and the pinned ones, never an excluded one."""
    always, never = set(pinned), set(excluded)
    return {
        camera
        for camera in cameras
        if camera not in never and (camera in always or is_reached(salt, camera, percent))
    }
