"""What is known of a file before any of its pictures is looked at, and its segments."""

from dataclasses import dataclass
from fractions import Fraction

from inference_workers.contracts.redactions import FilmFacts

# Part of every hash: raise it when the same covers give other pixels or another encoding.
RENDER_VERSION = 2
# Beyond any time stamp: the first segment has no beginning, the last one no end.
BEFORE_ALL = -(2**62)
AFTER_ALL = 2**62


@dataclass(frozen=True, slots=True)
class Segment:
    """Frames whose time stamp lies in `start_pts` ≤ pts < `end_pts`; `frames` of them are announced."""

    start_pts: int
    end_pts: int
    frames: int


@dataclass(frozen=True, slots=True)
class Film:
    """Written once by the probe, read by every later step.

    Attributes:
        time_base: seconds per unit of a time stamp, as numerator and denominator.
        first_pts: of the first frame; times in seconds count from it.
        announced_s: how long the container says the film is (0: it does not say).
        pixel_ratio: sample aspect ratio (1, 1 where unknown).
        colour: ffmpeg's numbers for colour space, primaries, transfer and range, as decoded.
        by_decoding: the container knows only the order of decoding (AVI): what it says of the order of
            display is a guess that jumps back and forth where there are B-frames.
    """

    facts: FilmFacts
    time_base: tuple[int, int]
    first_pts: int
    announced_s: float
    segments: tuple[Segment, ...]
    pixel_ratio: tuple[int, int] = (1, 1)
    colour: tuple[int, int, int, int] = (2, 2, 2, 0)
    by_decoding: bool = False

    @property
    def seconds_per_pts(self) -> Fraction:
        return Fraction(*self.time_base)

    def at_s(self, pts: int) -> float:
        """Seconds since the first frame."""
        return float((pts - self.first_pts) * self.seconds_per_pts)

    def pts_at(self, at_s: float) -> int:
        """The time stamp of a moment in seconds since the first frame."""
        return self.first_pts + int(Fraction(at_s).limit_denominator(1_000_000) / self.seconds_per_pts)

    def span_s(self, segment: int) -> tuple[float, float]:
        """From when to when a segment goes; the outer ends are open."""
        found = self.segments[segment]
        start = float("-inf") if found.start_pts <= BEFORE_ALL else self.at_s(found.start_pts)
        end = float("inf") if found.end_pts >= AFTER_ALL else self.at_s(found.end_pts)
        return start, end
