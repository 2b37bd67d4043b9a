"""The head that RF-DETR and D-FINE export: one box per query, no suppression (Carion et al. 2020)."""

import numpy as np
from numpy.typing import NDArray

from inference_workers.engine.boxes import cxcywh_to_xyxy
from inference_workers.engine.detectors.base import Outputs
from inference_workers.engine.detectors.candidates import Candidates, above
from inference_workers.engine.errors import EngineError

LOGITS = {"logits", "pred_logits"}
LOGIT_BOXES = {"pred_boxes", "dets"}
# RF-DETR's own export names its logits `labels` and its boxes `dets`.
RF_DETR = {"dets", "labels"}
POSTPROCESSED = {"labels", "boxes", "scores"}


def decode(outputs: Outputs, tensor_size: tuple[int, int], threshold: float) -> Candidates:
    """Two forms.

    `logits` (queries, classes) with `pred_boxes` (queries, 4), relative centre and size; or `labels`
    (queries,), `boxes` (queries, 4) in pixels of the tensor, `scores` (queries,).
    """
    names = set(outputs)
    if names >= POSTPROCESSED:
        return _decode_postprocessed(outputs, threshold)
    if names >= RF_DETR:
        return _decode_logits(outputs["labels"], outputs["dets"], tensor_size, threshold)
    logits, boxes = names & LOGITS, names & LOGIT_BOXES
    if not logits or not boxes:
        raise EngineError(
            "output_shape",
            f"expected outputs logits and pred_boxes, or labels, boxes and scores; got {sorted(names)}",
        )
    return _decode_logits(outputs[logits.pop()], outputs[boxes.pop()], tensor_size, threshold)


def _decode_logits(
    logits: NDArray[np.floating],
    boxes: NDArray[np.floating],
    tensor_size: tuple[int, int],
    threshold: float,
) -> Candidates:
    scores = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
    rows, class_ids, values = above(scores, threshold)
    boxes_cxcywh = boxes[rows] * np.array([*tensor_size, *tensor_size])
    return Candidates(cxcywh_to_xyxy(boxes_cxcywh), values, class_ids)


def _decode_postprocessed(outputs: Outputs, threshold: float) -> Candidates:
    scores, labels = outputs["scores"].reshape(-1), outputs["labels"].reshape(-1)
    rows = np.flatnonzero(scores > threshold)
    boxes = outputs["boxes"].reshape(-1, 4)
    return Candidates(boxes[rows], scores[rows], labels[rows].astype(np.int64))
