"""First criterion of a leak: the fine detail of a face is still there.

A band of fine detail of the face, before and after, is compared by normalised correlation over the pixels in
which the face is to be seen. What a cover leaves (colour, shading, blocks) lies below the band, what a codec
takes away lies mostly above it. `python -m benchmarks.redaction.calibrate` prints how far apart the two are.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.redaction.truth import Face, Truth
from inference_workers.engine.frame import Image

# The band: above the blur of this sigma (share of the face's longer side) and below that of half a pixel.
BAND_SHARE, LEAST_SIGMA_PX = 0.05, 0.8
NOISE_SIGMA_PX = 0.5
# Below these, by size class, lie all but about 0.1 % of faces that were covered completely (see calibrate);
# a tiny face has so few pixels that chance alone correlates.
LEAKED_ABOVE = {0: 0.5, 12: 0.5, 16: 0.4, 24: 0.35, 48: 0.35}
# A region flatter than this (standard deviation in grey levels) after redaction shows nothing.
FLAT_BELOW = 0.6
LEAST_PIXELS = 24


@dataclass(frozen=True, slots=True)
class Pair:
    """A frame before and after redaction, grey, float32, of one size."""

    before: NDArray[np.float32]
    after: NDArray[np.float32]


def pair_of(before: Image, after: Image) -> Pair:
    """Grey pictures; the second is scaled to the size of the first where a tool has changed it."""
    height, width = before.shape[:2]
    if after.shape[:2] != (height, width):
        after = np.asarray(cv2.resize(after, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    grey = (cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32) for image in (before, after))
    return Pair(*grey)


def detail_left(pair: Pair, truth: Truth, number: int, face: Face) -> float:
    """-1..1: how much of the face's fine detail the second picture shows; 0 where nothing can be said."""
    part = _window(truth.size_wh, face)
    seen = truth.seen(number, face)[part]
    if np.count_nonzero(seen) < LEAST_PIXELS:
        return 0.0
    sigma = max(LEAST_SIGMA_PX, BAND_SHARE * face.side_px)
    before, after = (_band(image[part], sigma)[seen] for image in (pair.before, pair.after))
    return _correlation(before - before.mean(), after - after.mean())


def is_left(detail: float, face: Face) -> bool:
    return detail > LEAKED_ABOVE[face.size_class]


def _window(size_wh: tuple[int, int], face: Face) -> tuple[slice, slice]:
    left, top, right, bottom = face.box_xyxy
    return (
        slice(max(int(top) - 4, 0), min(int(bottom) + 5, size_wh[1])),
        slice(max(int(left) - 4, 0), min(int(right) + 5, size_wh[0])),
    )


def _band(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    fine = cv2.GaussianBlur(image, (0, 0), NOISE_SIGMA_PX)
    return np.asarray(fine - cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


def _correlation(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    if float(after.std()) < FLAT_BELOW:
        return 0.0
    norms = float(np.linalg.norm(before) * np.linalg.norm(after))
    return float(before @ after) / norms if norms > 0 else 0.0
