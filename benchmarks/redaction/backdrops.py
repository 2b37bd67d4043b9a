"""What people move over: still pictures with a slow pan, or a film played over and over."""

from pathlib import Path

import cv2
import numpy as np

from benchmarks.redaction.scene import Backdrop
from inference_workers.engine.frame import Image

# Street scenes without a person near enough to have a face.
STREETS = (
    "conditions/overcast_city_0.jpg", "conditions/overcast_city_2.jpg", "conditions/overcast_city_3.jpg",
    "conditions/snow_7dd9ef45-f197db95.jpg", "conditions/clear_8e1c1ab0-a8b92173.jpg",
    "conditions/fog_test2.jpg", "conditions/haze_test.png", "conditions/night_3c0e7240-96e390d2.jpg",
)  # fmt: skip
ROAD_FILM = "cam04_road_traffic.avi"
_PAN_PX = 24


def still(image: Image, size_wh: tuple[int, int], speed_px: float = 0.0) -> Backdrop:
    """The picture, filling the frame, panned back and forth over a few pixels by `speed_px` per frame."""
    width, height = size_wh
    scale = max((width + _PAN_PX) / image.shape[1], (height + _PAN_PX) / image.shape[0])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    large = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=how), np.uint8)

    def at(number: int) -> Image:
        walked = round(number * speed_px) % (2 * _PAN_PX)
        left = walked if walked < _PAN_PX else 2 * _PAN_PX - walked
        return large[left // 2 : left // 2 + height, left : left + width]

    return at


def film(path: Path, size_wh: tuple[int, int], length: int) -> Backdrop:
    """The first `length` frames, scaled to the frame's size."""
    clip = cv2.VideoCapture(str(path))
    frames: list[Image] = []
    while len(frames) < length:
        done, image = clip.read()
        if not done:
            break
        frames.append(np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_LINEAR), np.uint8))
    if not frames:
        raise SystemExit(f"{path}: expected a film with frames that can be read")
    return lambda number: frames[number % len(frames)]


def cut_between(first: Backdrop, second: Backdrop, every: int) -> Backdrop:
    """Another scene every so many frames."""
    return lambda number: (first, second)[number // every % 2](number)


def picture(path: Path) -> Image:
    image = cv2.imread(str(path))
    if image is None:
        raise SystemExit(f"{path}: expected a readable picture")
    return np.asarray(image, np.uint8)
