"""Finding lines of text in any script: PP-OCR's detector and DB post-processing (Liao et al. 2020)."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_workers.engine.backends import Backend
from inference_workers.engine.frame import Image
from inference_workers.engine.preprocess import STRIDE_PX, Placement, Preprocess, to_tensor

MAX_SIDE_PX = 960
MIN_SIDE_PX = 12
MAX_LINES = 200
_INPUT = Preprocess(scale=1 / 255, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
UPRIGHT_RATIO = 1.5

Quad = NDArray[np.float32]


class LineFinder:
    """Stateless; safe in several threads."""

    def __init__(self, backend: Backend, max_side_px: int = MAX_SIDE_PX) -> None:
        # Deferred: rapidocr brings shapely and pyclipper, which only reading needs.
        from rapidocr.ch_ppocr_det.utils import DBPostProcess

        self._backend = backend
        self._max_side_px = max_side_px
        self._boxes: Any = DBPostProcess(
            thresh=0.3, box_thresh=0.5, max_candidates=MAX_LINES, unclip_ratio=1.6, use_dilation=True
        )

    def find(self, image: Image) -> list[Quad]:
        """Corners of each line, float32 (4, 2) in pixels: top left, top right, bottom right, bottom left.

        From top to bottom.
        """
        height, width = image.shape[:2]
        if min(height, width) < MIN_SIDE_PX:
            return []
        where = _place(width, height, self._max_side_px)
        (heat,) = self._backend.run(to_tensor([image], [where], _INPUT)).values()
        quads, _ = self._boxes(heat, (height, width))
        found = [np.asarray(quad, dtype=np.float32) for quad in quads]
        return sorted(found, key=lambda quad: (float(quad[:, 1].min()), float(quad[:, 0].min())))


def _place(width: int, height: int, max_side_px: int) -> Placement:
    """Reduced to `max_side_px` (never enlarged), then stretched to the nearest multiples of 32."""
    ratio = min(1.0, max_side_px / max(width, height))
    size = (_nearest(width * ratio), _nearest(height * ratio))
    return Placement((width, height), size, size, (size[0] / width, size[1] / height))


def _nearest(side: float) -> int:
    return max(STRIDE_PX, round(side / STRIDE_PX) * STRIDE_PX)


def cut_line(image: Image, quad: Quad) -> Image:
    """The quadrilateral as an upright picture; a tall one is turned, as text written upwards."""
    width = max(1, int(np.linalg.norm(quad[[0, 3]] - quad[[1, 2]], axis=1).max()))
    height = max(1, int(np.linalg.norm(quad[[0, 1]] - quad[[3, 2]], axis=1).max()))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(quad, target)
    line = cv2.warpPerspective(
        image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    if height >= width * UPRIGHT_RATIO:
        line = np.ascontiguousarray(np.rot90(line))
    return np.asarray(line, dtype=np.uint8)
