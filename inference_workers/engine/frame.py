"""The values that travel between the engine's stages."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture.

    Attributes:
        image: uint8, BGR, shape (height, width, 3).
        grabbed_at: POSIX seconds at the moment of capture.
        epoch: identifier of the run of the camera's runner; `seq` counts from 0 within it.
        moved_xyxy: float32 (N, 4), pixels: all that differs from the background; None: not known.
    """

    image: Image
    camera_id: str
    epoch: str
    seq: int
    grabbed_at: float
    moved_xyxy: NDArray[np.float32] | None = None

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        return int(self.image.shape[0])


@dataclass(frozen=True, slots=True)
class Detections:
    """What a detector saw in one picture.

    Attributes:
        boxes_xyxy: float32 (N, 4), pixels of the analysed frame: left, top, right, bottom.
        scores: float32 (N,), 0..1.
        class_ids: int32 (N,), indexes into `classes`.
        classes: the model's class names.
    """

    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    classes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        count = len(self.boxes_xyxy)
        if self.boxes_xyxy.shape != (count, 4):
            raise ValueError(f"boxes_xyxy: expected shape (N, 4), got {self.boxes_xyxy.shape}")
        if self.scores.shape != (count,) or self.class_ids.shape != (count,):
            raise ValueError(
                f"scores and class_ids: expected shape ({count},), "
                f"got {self.scores.shape} and {self.class_ids.shape}"
            )
        if count and not (np.isfinite(self.boxes_xyxy).all() and np.isfinite(self.scores).all()):
            raise ValueError("boxes and scores: expected finite numbers, got NaN or infinity")

    def __len__(self) -> int:
        return len(self.scores)

    def labels(self) -> list[str]:
        return [self.classes[index] for index in self.class_ids]

    @classmethod
    def empty(cls, classes: tuple[str, ...] = ()) -> "Detections":
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32), classes)
