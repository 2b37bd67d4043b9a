"""The second look: a redacted picture that has left is looked at again, by another detector."""

from dataclasses import dataclass
from enum import StrEnum

BoxXyxy = tuple[float, float, float, float]


class PictureKind(StrEnum):
    LIVE = "live"
    SNAPSHOT = "snapshot"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class SecondLook:
    """One entry of the list `SECOND_LOOKS`. The JPEG lies in Redis below `sample_key(sample_id)`.

    Boxes are normalised 0..1, `masks` are polygons. `faces_family` is the family of the detector that found
    the faces which are covered: the second look is another one's where one is installed.
    """

    sample_id: str
    camera_id: str
    epoch: str
    seq: int
    at: float
    kind: PictureKind
    lease_id: str
    faces_family: str
    covered_xyxy: tuple[BoxXyxy, ...] = ()
    masks: tuple[tuple[tuple[float, float], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class LeakBox:
    """A face in a redacted picture that no cover hides; normalised 0..1."""

    box_xyxy: BoxXyxy
    score: float
    looker: str
