"""YOLOX (Ge et al. 2021): anchor-free grid, boxes undecoded, objectness and classes after sigmoid."""

import numpy as np

from inference_workers.engine.boxes import cxcywh_to_xyxy
from inference_workers.engine.detectors.base import Outputs
from inference_workers.engine.detectors.candidates import Candidates, best_class
from inference_workers.engine.detectors.grids import pyramid, require_cells

STRIDES = (8, 16, 32)


def decode(outputs: Outputs, tensor_size: tuple[int, int], threshold: float) -> Candidates:
    """Output (cells, 5 + classes): centre offset, log size, objectness, class scores."""
    ((name, output),) = outputs.items()
    grid, stride = pyramid(tensor_size, STRIDES)
    require_cells(name, len(output), len(grid))
    scores = output[:, 5:] * output[:, 4:5]
    rows, class_ids, values = best_class(scores, threshold)
    box, where = output[rows], stride[rows]
    centre = (box[:, :2] + grid[rows]) * where
    size = np.exp(np.minimum(box[:, 2:4], 20.0)) * where
    return Candidates(cxcywh_to_xyxy(np.concatenate([centre, size], axis=1)), values, class_ids)
