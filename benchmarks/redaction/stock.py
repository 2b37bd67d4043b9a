"""Gathers heads and backdrops: from the shared data, or from installed packages alone."""

from pathlib import Path

import cv2
import numpy as np

from benchmarks.redaction.backdrops import ROAD_FILM, STREETS, film, picture, still
from benchmarks.redaction.heads import packaged_heads, shared_heads
from benchmarks.redaction.sequences import Stock

SIZE_WH = (640, 352)
LENGTH = 100


def shared_stock(data: Path, size_wh: tuple[int, int] = SIZE_WH, length: int = LENGTH) -> Stock:
    """Faces of `data/images/faces` over streets of `data/images/conditions` and a road's film."""
    landmarks = open_landmarks(data)
    heads = shared_heads(data / "images" / "faces", landmarks)
    streets = [still(picture(data / "images" / name), size_wh, 0.2 * k) for k, name in enumerate(STREETS)]
    road = film(data / "video" / ROAD_FILM, size_wh, length)
    return Stock(
        [head for head in heads if head.frontal],
        [head for head in heads if not head.frontal],
        [*streets, road],
        size_wh,
        length,
    )


def packaged_stock(size_wh: tuple[int, int], length: int) -> Stock:
    """The portrait and the pictures without people that scikit-image carries."""
    from skimage import data

    pictures = [data.coffee(), data.rocket(), data.chelsea(), data.stereo_motorcycle()[0]]  # type: ignore[no-untyped-call]
    streets = [still(np.ascontiguousarray(item[..., ::-1]), size_wh, 0.3) for item in pictures]
    heads = packaged_heads()
    return Stock(heads, heads, streets, size_wh, length)


def open_landmarks(data: Path) -> cv2.FaceDetectorYN:
    path = data / "weights" / "face" / "yunet_n_320_320.onnx"
    return cv2.FaceDetectorYN.create(str(path), "", (320, 320), 0.5, 0.3, 5000)
