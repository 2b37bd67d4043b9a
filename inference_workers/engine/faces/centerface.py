"""CenterFace (Xu et al. 2019): a heat map of centres at stride 4, log sizes and offsets per cell."""

import numpy as np
from numpy.typing import NDArray

from inference_workers.engine.detectors.base import Outputs
from inference_workers.engine.detectors.candidates import Candidates, above
from inference_workers.engine.errors import EngineError

STRIDE = 4
HEAT, SIZE, OFFSET = "537", "538", "539"


def decode(outputs: Outputs, tensor_size: tuple[int, int], threshold: float) -> Candidates:
    """Heat (1, h, w); size (2, h, w): log height, log width; offset (2, h, w): y, x."""
    if missing := {HEAT, SIZE, OFFSET} - set(outputs):
        raise EngineError("output_shape", f"expected outputs {sorted(missing)}, got {sorted(outputs)}")
    heat = outputs[HEAT][0]
    rows, columns, scores = above(heat, threshold)
    at = np.stack([columns, rows], axis=1)
    centre = (at + _values(outputs[OFFSET], rows, columns) + 0.5) * STRIDE
    half = np.exp(np.minimum(_values(outputs[SIZE], rows, columns), 20.0)) * STRIDE / 2
    boxes_xyxy = np.concatenate([centre - half, centre + half], axis=1)
    return Candidates(boxes_xyxy, scores, np.zeros(len(scores), np.int64))


def _values(
    planes: NDArray[np.floating], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.floating]:
    """Both planes at the cells, x first: the graph answers y before x."""
    return np.asarray(planes[::-1, rows, columns].T)
