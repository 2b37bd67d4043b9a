"""Ultra-Light face detector: boxes are decoded in the graph; column 0 of the scores is background."""

import numpy as np

from inference_workers.engine.detectors.base import Outputs
from inference_workers.engine.detectors.candidates import Candidates, above
from inference_workers.engine.errors import EngineError


def decode(outputs: Outputs, tensor_size: tuple[int, int], threshold: float) -> Candidates:
    """Outputs scores (priors, 1 + classes) after softmax, boxes (priors, 4) relative corners."""
    if missing := {"scores", "boxes"} - set(outputs):
        raise EngineError("output_shape", f"expected outputs {sorted(missing)}, got {sorted(outputs)}")
    rows, class_ids, values = above(outputs["scores"][:, 1:], threshold)
    boxes_xyxy = outputs["boxes"][rows] * np.array([*tensor_size, *tensor_size])
    return Candidates(boxes_xyxy, values, class_ids)
