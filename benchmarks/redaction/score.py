"""What is counted of a redacted film."""

from collections import Counter
from dataclasses import dataclass, field, fields

from benchmarks.redaction.truth import Face, Truth


@dataclass(frozen=True, slots=True)
class Slipped:
    """How much of a face shows, and by which criterion that is a leak."""

    detail: float
    by_detail: bool
    by_second_look: bool

    def __bool__(self) -> bool:
        return self.by_detail or self.by_second_look


@dataclass(frozen=True, slots=True)
class Slip:
    """A face that shows in one frame of the output."""

    film: str
    frame: int
    face: Face
    how: Slipped


@dataclass(slots=True)
class Score:
    """Counts of face-frames.

    Attributes:
        found: faces that the tool's covers hide; `covers_known`: whether the tool says what it covers.
        frontal_after_found: slips of frontal faces of 24 px and more, from the first frame on in which the
            tool covered that person.
        covered_share, too_much_share: sums over frames of shares of the picture; `too_much`: away from faces.
        same_shape: frames, size and time stamps are those of the input.
    """

    frames: int = 0
    faces: int = 0
    found: int = 0
    by_detail: int = 0
    by_second_look: int = 0
    by_either: int = 0
    frontal_after_found: int = 0
    covered_share: float = 0.0
    too_much_share: float = 0.0
    covers_known: bool = True
    same_shape: bool = True
    faces_by_size: Counter[int] = field(default_factory=Counter)
    found_by_size: Counter[int] = field(default_factory=Counter)
    leaked_by_size: Counter[int] = field(default_factory=Counter)
    slips: list[Slip] = field(default_factory=list)

    def count(self, film: str, frame: int, face: Face, how: Slipped) -> None:
        self.faces += 1
        self.faces_by_size[face.size_class] += 1
        self.by_detail += how.by_detail
        self.by_second_look += how.by_second_look
        if how:
            self.by_either += 1
            self.leaked_by_size[face.size_class] += 1
            self.slips.append(Slip(film, frame, face, how))

    def add(self, other: "Score") -> None:
        """Add the counts of another film."""
        for item in fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            setattr(self, item.name, mine and theirs if isinstance(mine, bool) else mine + theirs)


def counting(truth: Truth, number: int) -> list[Face]:
    if number >= len(truth.frames) or not truth.is_known(number):
        return []
    return [face for face in truth.frames[number] if face.counts]
