"""One look at one frame: for which stage, by which version, and whether anything of it is published."""

from collections.abc import Callable
from dataclasses import dataclass

from inference_workers.contracts.comparison import Role
from inference_workers.contracts.frames import BatchItem, Cost, ItemResult
from inference_workers.contracts.lease import ModelRef, Stage


@dataclass(frozen=True, slots=True)
class Look:
    """A `SHADOW` gives way to all others and is never published. `zone_id`: only this zone is looked at.

    `cascade_id`: what the detector found in the frame is looked at, after it was found.
    """

    stage: Stage
    role: Role = Role.SERVING
    zone_id: str = ""
    cascade_id: str = ""

    @property
    def apart(self) -> bool:
        """Is the frame accounted for without it?"""
        return self.shadow or bool(self.cascade_id)

    @property
    def shadow(self) -> bool:
        return self.role is Role.SHADOW

    @property
    def place(self) -> str:
        """The name under which a version is served: a stage, a zone with its own detector, or a cascade."""
        if self.cascade_id and self.stage is Stage.CLASSIFY:
            return f"{self.stage.value}:{self.cascade_id}"
        return f"{self.stage.value}:{self.zone_id}" if self.zone_id else self.stage.value


@dataclass(frozen=True, slots=True)
class Request:
    """One frame for one look. `fallback` answers while the worker still loads `model`."""

    look: Look
    model: ModelRef
    item: BatchItem
    fallback: ModelRef | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one frame in one look. `lost` is the reason when there is no result.

    `model` is the version that answered, or without a result the one that was asked. `cost` is what its run
    cost, there for the first frame of each. `waiting` says why the version that was asked for did not answer
    yet, or what is wrong with it.
    """

    camera_id: str
    seq: int
    look: Look
    model: ModelRef
    result: ItemResult | None
    lost: str = ""
    cost: Cost | None = None
    waiting: str = ""


OnAnswer = Callable[[Answer], None]
