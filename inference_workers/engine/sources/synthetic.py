"""A synthetic camera: a moving figure, colour bars and a clock, so that everything works without hardware."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import cv2
import numpy as np

from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Image

WIDTH_PX, HEIGHT_PX, FPS = 1280, 720, 10.0
PATTERNS = ("clock", "still")
_BARS_BGR = ((190, 190, 190), (20, 190, 190), (190, 190, 20), (20, 190, 20), (190, 20, 190), (20, 20, 190))


def check_pattern(name: str) -> str:
    if name not in PATTERNS:
        raise EngineError(
            "pattern_unknown", f"expected one of {', '.join(PATTERNS)}, got the pattern {name[:40]!r}"
        )
    return name


def _background() -> Image:
    image = np.full((HEIGHT_PX, WIDTH_PX, 3), 60, np.uint8)
    width = WIDTH_PX // len(_BARS_BGR)
    for index, colour in enumerate(_BARS_BGR):
        image[: HEIGHT_PX // 6, index * width : (index + 1) * width] = colour
    return image


class Pattern:
    """Draws the picture of a moment: "clock" moves, "still" shows sensor noise only."""

    def __init__(self, name: str) -> None:
        self._name = check_pattern(name)
        self._background = _background()
        self._noise = np.random.default_rng(7)

    def draw(self, at: float) -> Image:
        """uint8 BGR (720, 1280, 3) at POSIX second `at`."""
        image = self._background.copy()
        rows = self._noise.integers(0, HEIGHT_PX, 64)
        image[rows, :: int(self._noise.integers(5, 17))] += np.uint8(1)
        if self._name == "clock":
            self._draw_clock(image, at)
        return image

    @staticmethod
    def _draw_clock(image: Image, at: float) -> None:
        text = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-5] + "Z"
        cv2.putText(
            image, "VIDETTE TEST PICTURE", (40, 200), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (240, 240, 240), 3
        )
        cv2.putText(image, text, (40, 270), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (240, 240, 240), 3)
        left = int((at % 10.0) / 10.0 * (WIDTH_PX - 120))
        cv2.rectangle(image, (left, 420), (left + 90, 640), (80, 170, 240), -1)
        cv2.circle(image, (left + 45, 380), 40, (80, 170, 240), -1)


def pace(due_at: float, clock: Callable[[], float] = time.time) -> None:
    """Sleep until the wall clock reads `due_at`."""
    left_s = due_at - clock()
    if left_s > 0:
        time.sleep(left_s)
