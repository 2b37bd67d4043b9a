"""What may share a batch, and what comes first when the worker cannot do everything at once."""

from collections.abc import Hashable
from typing import NamedTuple

from inference_workers.contracts.lease import ModelRef, Stage
from inference_workers.streams.looks import Look

# No batch shall hold the worker longer: the next look for faces waits behind it.
BATCH_BUDGET_MS = 120.0
# A second of waiting counts most where people would be shown as a mosaic meanwhile.
URGENCY = {Stage.FACES: 4.0, Stage.TEXT_BOXES: 2.0, Stage.DETECT: 1.0, Stage.TEXT: 0.5, Stage.CLASSIFY: 0.5}
# What these stages may take of a worker's time. Faces have no limit: without them there is no picture.
SHARE = {Stage.DETECT: 0.3, Stage.TEXT: 0.2, Stage.CLASSIFY: 0.15}
# Shadows: a second of waiting of anything that serves counts more than all the seconds a shadow may wait.
SHADOW_URGENCY = 0.001
SHADOW_SHARE = 0.2
SHADOW_ROOM = 0.5


class Key(NamedTuple):
    """What may share a batch."""

    look: Look
    model: ModelRef
    fallback: ModelRef | None = None


def nobody(_key: Key) -> bool:
    return False


def serves(key: Key) -> bool:
    return not key.look.shadow


def is_shadow(key: Key) -> bool:
    return key.look.shadow


def like(key: Key) -> tuple[Hashable, ...]:
    """A version costs what it cost before; one that was never timed costs what its stage costs."""
    return (key.look.stage, key.model.sha256), key.look.stage


def urgency(key: Key) -> float:
    return SHADOW_URGENCY if key.look.shadow else URGENCY.get(key.look.stage, 1.0)


def share(key: Key) -> float:
    return SHADOW_SHARE if key.look.shadow else SHARE.get(key.look.stage, 1.0)


def room(key: Key) -> float:
    return SHADOW_ROOM if key.look.shadow else 1.0
