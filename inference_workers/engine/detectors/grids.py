"""Cell grids that one-stage detectors share."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from inference_workers.engine.errors import EngineError


@lru_cache(maxsize=64)
def cells(tensor_size: tuple[int, int], stride: int) -> NDArray[np.float32]:
    """Column and row of each cell in row-major order, shape (N, 2); N rounds up."""
    columns, rows = -(-tensor_size[0] // stride), -(-tensor_size[1] // stride)
    y, x = np.mgrid[0:rows, 0:columns]
    grid = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    grid.flags.writeable = False
    return grid


@lru_cache(maxsize=64)
def pyramid(
    tensor_size: tuple[int, int], strides: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cells of all levels, shape (N, 2), and the stride of each, shape (N, 1)."""
    levels = [cells(tensor_size, stride) for stride in strides]
    each = [
        np.full((len(level), 1), stride, np.float32) for level, stride in zip(levels, strides, strict=True)
    ]
    return np.concatenate(levels), np.concatenate(each)


def require_cells(name: str, got: int, expected: int) -> None:
    if got != expected:
        raise EngineError(
            "output_shape", f"output {name}: expected {expected} cells, the graph answered {got}"
        )
