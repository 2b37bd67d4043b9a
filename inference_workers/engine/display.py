"""The delayed display: frames waiting to be shown, and the evidence on whether they may be.

The display runs behind the camera, so that what is found now covers the frames just before it. A frame is
shown as it is (its faces covered) only when faces were really looked for close enough to it; otherwise it
becomes a mosaic.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from inference_workers.contracts.live import LiveBox
from inference_workers.contracts.results import ReadingResult, TrackResult
from inference_workers.engine.frame import Frame, Image
from inference_workers.engine.redaction import RedactedFrame

# More frames than this never wait; the oldest goes. Three seconds of delay at 30 pictures a second fit.
MAX_WAITING = 96


@dataclass(frozen=True, slots=True)
class DisplayFrame:
    """What the live sink sends: the picture, the boxes to draw over it, the models that saw them.

    `models`: stage name to model version id. Boxes are normalised 0..1.
    """

    redacted: RedactedFrame
    boxes: tuple[LiveBox, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """A result to record, with the picture to store below `result.snapshot_key` first, where there is one."""

    result: TrackResult | ReadingResult
    snapshot: RedactedFrame | None = None


class FrameQueue:
    """Frames in the order of capture until their delay is over."""

    def __init__(self) -> None:
        self._waiting: deque[Frame] = deque(maxlen=MAX_WAITING)

    def add(self, frame: Frame) -> None:
        self._waiting.append(frame)

    def clear(self) -> None:
        self._waiting.clear()

    def take_due(self, until: float) -> list[Frame]:
        """Remove and return the frames that were captured at `until` or before."""
        due = []
        while self._waiting and self._waiting[0].grabbed_at <= until:
            due.append(self._waiting.popleft())
        return due


@dataclass(frozen=True, slots=True)
class LookRules:
    """When a frame counts as looked at.

    Attributes:
        ahead_s: a look after the frame counts when it came at most this much later.
        behind_s: where nothing moves, a look before the frame counts when it came at most this much earlier
            and none is known after it; the covers then coast. Whoever came in since is nowhere covered, so it
            does not count where anything moves, and never for faces: background subtraction may be wrong.
        near_s: a look before or after the frame must be at least this near: where looks are far apart, who
            walks between two of them is where no cover reaches.
    """

    ahead_s: float = 0.75
    behind_s: float = 0.0
    near_s: float = 0.3


class LookLog:
    """When a detector looked, and whether it could."""

    def __init__(self, rules: LookRules) -> None:
        self._rules = rules
        self._times: list[float] = []
        self._could: dict[float, bool] = {}

    def add(self, at: float, *, could: bool) -> None:
        """A look that succeeded stays a success, whatever is told about it later."""
        if at not in self._could:
            insort(self._times, at)
        self._could[at] = self._could.get(at, False) or could

    def clear_before(self, at: float) -> None:
        keep = bisect_left(self._times, at)
        for time in self._times[:keep]:
            del self._could[time]
        del self._times[:keep]

    def allows(self, at: float, scene: tuple[float, float], *, still: bool) -> bool:
        """Was a frame captured at `at` looked at well enough?

        The next look after the frame decides; where none is known yet and nothing moves (`still`), the last
        one before it. Only looks of the frame's own scene count, from `scene[0]` until before `scene[1]`.
        """
        index = bisect_left(self._times, at)
        if index < len(self._times):
            following = self._times[index]
            if following < scene[1] and following - at <= self._rules.ahead_s:
                return self._could[following] and self._is_near(at, index, scene)
        if index == 0 or not still:
            return False
        last = self._times[index - 1]
        fresh = last >= scene[0] and at - last <= self._rules.behind_s
        return fresh and self._could[last]

    def _is_near(self, at: float, index: int, scene: tuple[float, float]) -> bool:
        near = [time for time in self._times[max(0, index - 1) : index + 1] if scene[0] <= time < scene[1]]
        return any(abs(time - at) <= self._rules.near_s and self._could[time] for time in near)


class CutDetector:
    """Finds scene cuts by the change of a coarse grey histogram together with the change of the pixels.

    A person who walks past changes pixels but hardly the histogram; a cloud changes the histogram slowly.
    """

    STEP = 16
    HISTOGRAM_CHANGE = 0.3
    PIXEL_CHANGE = 22.0

    def __init__(self) -> None:
        self._last: tuple[NDArray[np.float64], NDArray[np.int16]] | None = None

    def is_cut(self, image: Image) -> bool:
        """Compare with the picture before; the first one is a cut."""
        thin = image[:: self.STEP, :: self.STEP, 1]
        histogram = np.bincount((thin >> 3).ravel(), minlength=32) / thin.size
        pixels = thin.astype(np.int16)
        last, self._last = self._last, (histogram, pixels)
        if last is None or last[1].shape != pixels.shape:
            return True
        changed = float(np.abs(histogram - last[0]).sum()) / 2
        return changed > self.HISTOGRAM_CHANGE and float(np.abs(pixels - last[1]).mean()) > self.PIXEL_CHANGE
