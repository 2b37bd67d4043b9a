"""FastestDet: one grid of one stride; objectness, a relative box and class scores per cell."""

import numpy as np

from inference_workers.engine.boxes import cxcywh_to_xyxy
from inference_workers.engine.detectors.base import Outputs
from inference_workers.engine.detectors.candidates import Candidates, best_class

OBJECTNESS_POWER = 0.6
CLASS_POWER = 0.4


def decode(outputs: Outputs, tensor_size: tuple[int, int], threshold: float) -> Candidates:
    """Output (5 + classes, rows, columns)."""
    ((_, output),) = outputs.items()
    channels, height, width = output.shape
    flat = output.reshape(channels, -1)
    scores = flat[0] ** OBJECTNESS_POWER * flat[5:] ** CLASS_POWER
    rows, class_ids, values = best_class(scores.T, threshold)
    cell = np.stack([rows % width, rows // width], axis=1)
    box = flat[1:5, rows].T
    relative = np.concatenate(
        [(cell + np.tanh(box[:, :2])) / (width, height), 1 / (1 + np.exp(-box[:, 2:]))], axis=1
    )
    boxes_cxcywh = relative * np.array([*tensor_size, *tensor_size])
    return Candidates(cxcywh_to_xyxy(boxes_cxcywh), values, class_ids)
