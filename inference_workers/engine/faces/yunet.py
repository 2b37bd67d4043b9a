"""YuNet (Wu et al. 2023): anchor-free, per stride class score, objectness and box."""

import numpy as np

from inference_workers.engine.boxes import cxcywh_to_xyxy
from inference_workers.engine.detectors.base import Outputs
from inference_workers.engine.detectors.candidates import Candidates, above
from inference_workers.engine.detectors.grids import cells, require_cells
from inference_workers.engine.errors import EngineError

STRIDES = (8, 16, 32)


def decode(outputs: Outputs, tensor_size: tuple[int, int], threshold: float) -> Candidates:
    """Outputs cls_S (cells, 1), obj_S (cells, 1), bbox_S (cells, 4) for each stride S."""
    expected = {f"{kind}_{stride}" for kind in ("cls", "obj", "bbox") for stride in STRIDES}
    if missing := expected - set(outputs):
        raise EngineError("output_shape", f"expected outputs {sorted(missing)}, got {sorted(outputs)}")
    return Candidates.join([_decode_stride(outputs, s, tensor_size, threshold) for s in STRIDES])


def _decode_stride(
    outputs: Outputs, stride: int, tensor_size: tuple[int, int], threshold: float
) -> Candidates:
    grid = cells(tensor_size, stride)
    classes, objectness = outputs[f"cls_{stride}"], outputs[f"obj_{stride}"]
    require_cells(f"cls_{stride}", len(classes), len(grid))
    scores = np.sqrt(np.clip(classes, 0, 1) * np.clip(objectness, 0, 1))
    rows, class_ids, values = above(scores, threshold)
    box = outputs[f"bbox_{stride}"][rows]
    centre = (grid[rows] + box[:, :2]) * stride
    size = np.exp(np.minimum(box[:, 2:], 20.0)) * stride
    return Candidates(cxcywh_to_xyxy(np.concatenate([centre, size], axis=1)), values, class_ids)
