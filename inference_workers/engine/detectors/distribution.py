"""NanoDet and PicoDet: generalised focal loss heads (Li et al. 2020), box sides as distributions."""

import numpy as np
from numpy.typing import NDArray

from inference_workers.engine.detectors.base import Outputs
from inference_workers.engine.detectors.candidates import Candidates, above
from inference_workers.engine.detectors.grids import cells
from inference_workers.engine.errors import EngineError

STRIDES = (8, 16, 32, 64)
SIDES = 4
BINS = 8


def decode(outputs: Outputs, tensor_size: tuple[int, int], threshold: float) -> Candidates:
    """Per level class scores (cells, classes) and sides (cells, 32).

    Names and declared shapes are shuffled in known exports, so the levels are told apart by their real
    shapes: by the count of cells, and 32 columns are sides.
    """
    parts = []
    for stride, (scores, sides) in zip(STRIDES, _levels(outputs), strict=False):
        grid = cells(tensor_size, stride)
        if len(grid) != len(scores):
            raise EngineError(
                "output_shape",
                f"stride {stride}: expected {len(grid)} cells, the graph answered {len(scores)}",
            )
        parts.append(_decode_level(scores, sides, grid, stride, threshold))
    return Candidates.join(parts)


def _decode_level(
    scores: NDArray[np.float32],
    sides: NDArray[np.float32],
    grid: NDArray[np.float32],
    stride: int,
    threshold: float,
) -> Candidates:
    rows, class_ids, values = above(scores, threshold)
    distance = _expectation(sides[rows]) * stride
    centre = (grid[rows] + 0.5) * stride
    boxes_xyxy = np.concatenate([centre - distance[:, :2], centre + distance[:, 2:]], axis=1)
    return Candidates(boxes_xyxy, values, class_ids)


def _expectation(sides: NDArray[np.float32]) -> NDArray[np.floating]:
    """Softmax of each side's bins, then the mean bin; (N, 32) to (N, 4): left, top, right, bottom."""
    bins = sides.reshape(-1, SIDES, BINS)
    weights = np.exp(bins - bins.max(axis=2, keepdims=True))
    return np.asarray((weights @ np.arange(BINS, dtype=np.float32)) / weights.sum(axis=2))


def _levels(outputs: Outputs) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """(scores, sides) from the finest level to the coarsest."""
    sides = sorted((v for v in outputs.values() if v.shape[-1] == SIDES * BINS), key=len)
    scores = sorted((v for v in outputs.values() if v.shape[-1] != SIDES * BINS), key=len)
    if len(sides) != len(scores) or not sides or len(sides) > len(STRIDES):
        shapes = {name: value.shape for name, value in outputs.items()}
        raise EngineError(
            "output_shape",
            f"expected as many outputs (cells, {SIDES * BINS}) as (cells, classes), got {shapes}",
        )
    return list(zip(reversed(scores), reversed(sides), strict=True))
