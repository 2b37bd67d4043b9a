"""What is known about the faces of a film: boxes, how much is to be seen, which pixels are whose."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]

# Lower bounds in pixels of the longer side; what is smaller than the first is not counted.
SIZE_CLASSES = (12, 16, 24, 48)
# A face of which less is to be seen neither counts as found nor as leaked.
LEAST_VISIBLE = 0.5


@dataclass(frozen=True, slots=True)
class Face:
    """One face in one frame.

    Attributes:
        person: the same number in every frame of the film; below 255.
        box_xyxy: pixels; the part outside the picture included.
        visible: share of the face's ellipse that is inside the picture and not behind anything.
        frontal: turned by less than 20 degrees, upright, not smeared and not covered by anything.
    """

    person: int
    box_xyxy: tuple[float, float, float, float]
    visible: float = 1.0
    frontal: bool = False

    @property
    def side_px(self) -> float:
        left, top, right, bottom = self.box_xyxy
        return max(right - left, bottom - top)

    @property
    def counts(self) -> bool:
        return self.visible >= LEAST_VISIBLE and self.side_px >= SIZE_CLASSES[0]

    @property
    def size_class(self) -> int:
        return max((bound for bound in SIZE_CLASSES if self.side_px >= bound), default=0)


@dataclass(frozen=True, slots=True)
class Truth:
    """The faces of a film, frame by frame.

    Attributes:
        labels: uint8 (frames, height, width): 1 + `person` where that face is to be seen, 0 elsewhere; None
            where only boxes are known.
        known: frames of which the faces are known; the others are not scored.
    """

    name: str
    size_wh: tuple[int, int]
    frames: tuple[tuple[Face, ...], ...]
    labels: Labels | None = None
    known: frozenset[int] | None = None

    def is_known(self, number: int) -> bool:
        return self.known is None or number in self.known

    def seen(self, number: int, face: Face) -> NDArray[np.bool_]:
        """(height, width): the pixels in which this face is to be seen, inside the ellipse of its box."""
        mask = ellipse_mask(self.size_wh, face.box_xyxy)
        if self.labels is not None:
            mask &= self.labels[number] == face.person + 1
        return mask

    def save(self, folder: Path) -> None:
        faces = [[asdict(face) for face in frame] for frame in self.frames]
        document = {"name": self.name, "size_wh": self.size_wh, "frames": faces}
        (folder / f"{self.name}.json").write_text(json.dumps(document))
        if self.labels is not None:
            np.savez_compressed(folder / f"{self.name}.npz", labels=self.labels)


def load_truth(folder: Path, name: str) -> Truth:
    document = json.loads((folder / f"{name}.json").read_text())
    frames = tuple(
        tuple(
            Face(item["person"], tuple(item["box_xyxy"]), item["visible"], item["frontal"]) for item in frame
        )
        for frame in document["frames"]
    )
    labels = folder / f"{name}.npz"
    return Truth(
        name,
        tuple(document["size_wh"]),
        frames,
        np.load(labels)["labels"] if labels.is_file() else None,
    )


def ellipse_mask(
    size_wh: tuple[int, int], box_xyxy: tuple[float, float, float, float], grow: float = 0.0
) -> NDArray[np.bool_]:
    """(height, width): the pixels inside the ellipse of a box grown by `grow` of its size on each side."""
    width, height = size_wh
    left, top, right, bottom = box_xyxy
    across, down = (right - left) * (0.5 + grow), (bottom - top) * (0.5 + grow)
    rows, columns = np.ogrid[:height, :width]
    x = (columns + 0.5 - (left + right) / 2) / max(across, 0.5)
    y = (rows + 0.5 - (top + bottom) / 2) / max(down, 0.5)
    return np.asarray(x * x + y * y <= 1.0)
