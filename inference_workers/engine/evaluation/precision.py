"""Average precision over images that may be weighted, from matches that pycocotools made.

pycocotools (COCOeval) decides which detection meets which object and gives the figure that is reported. For
intervals the same matches are accumulated again with a weight per picture: a bootstrap sample is a weighting.
With all weights one the result equals COCOeval's to 1e-12 (checked at every comparison).
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference_workers.engine.errors import EngineError

AREAS = ("all", "small", "medium", "large")
MOST_PER_PICTURE = 100
AP50_INDEX = 0
RECALLS = np.linspace(0.0, 1.0, 101)
EXACT = 1e-9
_CHUNK_CELLS = 2_000_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassMatches:
    """All detections of one class, best first, and how many objects each picture has.

    Attributes:
        picture: (D,) index of the picture.
        hit: (T, D) whether the detection meets an object at each of the ten IoU thresholds.
        counted: (T, D) False where a detection counts neither for nor against.
        objects: (I,) objects per picture.
    """

    picture: NDArray[np.intp]
    hit: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    objects: Floats


@dataclass(frozen=True, slots=True)
class Matches:
    """`by_area[area][k]`: matches of class k among objects of that size."""

    pictures: int
    by_area: dict[str, tuple[ClassMatches, ...]]
    official: dict[str, float]


def match(truth: dict[str, Any], found: list[dict[str, Any]]) -> Matches:
    """COCOeval on a set in COCO's form; `truth` needs images, annotations and categories with ids 0..K-1.

    Raises:
        EngineError: `figures_differ` when our accumulation does not give COCOeval's figure.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluation = COCOeval(coco, _results(coco, found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    matches = _matches(evaluation, evaluation.stats)
    _require_equal(matches)
    return matches


def _results(coco: Any, found: list[dict[str, Any]]) -> Any:
    """`loadRes` refuses an empty list, but a version that finds nothing is a result too."""
    from pycocotools.coco import COCO

    if found:
        return coco.loadRes(found)
    empty = COCO()
    empty.dataset = {**coco.dataset, "annotations": []}
    empty.createIndex()
    return empty


def _matches(evaluation: Any, stats: Any) -> Matches:
    params = evaluation.params
    images, areas = len(params.imgIds), len(params.areaRng)
    by_area = {}
    for place, area in enumerate(params.areaRngLbl):
        by_area[area] = tuple(
            _class_matches(evaluation.evalImgs[(k * areas + place) * images :][:images])
            for k in range(len(params.catIds))
        )
    names = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")
    official = {name: float(value) for name, value in zip(names, stats, strict=False) if value > -1}
    return Matches(images, by_area, official)


def _class_matches(per_picture: Sequence[dict[str, Any] | None]) -> ClassMatches:
    """As COCOeval.accumulate gathers them: at most 100 per picture, stable order by falling score."""
    objects = np.zeros(len(per_picture))
    scores, pictures, hits, ignored = [], [], [], []
    for i, found in enumerate(per_picture):
        if found is None:
            continue
        objects[i] = np.count_nonzero(np.asarray(found["gtIgnore"]) == 0)
        part = np.asarray(found["dtScores"])[:MOST_PER_PICTURE]
        scores.append(part)
        pictures.append(np.full(len(part), i, np.intp))
        hits.append(np.asarray(found["dtMatches"])[:, :MOST_PER_PICTURE] > 0)
        ignored.append(np.asarray(found["dtIgnore"])[:, :MOST_PER_PICTURE] > 0)
    if not scores:
        nothing = np.zeros((10, 0), np.bool_)
        return ClassMatches(np.zeros(0, np.intp), nothing, nothing, objects)
    order = np.argsort(-np.concatenate(scores), kind="mergesort")
    return ClassMatches(
        np.concatenate(pictures)[order],
        np.concatenate(hits, axis=1)[:, order],
        ~np.concatenate(ignored, axis=1)[:, order],
        objects,
    )


def class_precisions(matches: ClassMatches, weights: Floats) -> Floats:
    """Average precision per sample and IoU threshold: (B, T); NaN where a sample has no object of the class.

    Args:
        weights: (B, I), how often each picture counts in each sample.
    """
    objects = weights @ matches.objects
    result = np.full((len(weights), len(matches.hit)), np.nan)
    with_objects = np.flatnonzero(objects > 0)
    rows = max(1, _CHUNK_CELLS // max(1, len(matches.picture)))
    for start in range(0, len(with_objects), rows):
        part = with_objects[start : start + rows]
        result[part] = _areas_under(matches, weights[part], objects[part])
    return result


def _areas_under(matches: ClassMatches, weights: Floats, objects: Floats) -> Floats:
    """The mean of the interpolated precision at COCO's 101 recalls, per sample and threshold: (B, T).

    Recall moves at hits alone, and the best precision from a point on is reached at a hit: only those
    columns are looked at, a tenth of all detections.
    """
    areas = np.zeros((len(weights), len(matches.hit)))
    per_detection = weights[:, matches.picture]
    so_far = np.cumsum(per_detection, axis=1)
    for t, (hit, counted) in enumerate(zip(matches.hit, matches.counted, strict=True)):
        columns = np.flatnonzero(hit & counted)
        if not len(columns):
            continue
        every = so_far if counted.all() else np.cumsum(per_detection * counted, axis=1)
        areas[:, t] = _area_under(per_detection[:, columns], every[:, columns], objects)
    return areas


def _area_under(weights: Floats, every: Floats, objects: Floats) -> Floats:
    """`weights` of the hits in falling order of score, and of `every` detection down to each of them."""
    true = np.cumsum(weights, axis=1)
    precision = true / (every + np.spacing(1))
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    reached = np.searchsorted(RECALLS, true / objects[:, None], side="right")
    # The recall 0 is reached before the first hit; its precision is the best of all.
    steps = np.diff(reached, axis=1, prepend=0)
    return np.asarray((envelope * steps).sum(axis=1) / len(RECALLS))


def mean_precision(per_class: Sequence[Floats]) -> Floats:
    """mAP per sample: the mean over thresholds and those classes that the sample has objects of."""
    stacked = np.stack(per_class)
    present = ~np.isnan(stacked[:, :, 0])
    total = np.where(present, np.nan_to_num(stacked).mean(axis=2), 0.0).sum(axis=0)
    count = present.sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0))


def _require_equal(matches: Matches) -> None:
    ones = np.ones((1, matches.pictures))
    ours = mean_precision([class_precisions(found, ones) for found in matches.by_area["all"]])[0]
    official = matches.official.get("ap")
    if official is None:
        raise EngineError("set_empty", "the set has no labelled object of any class; nothing can be measured")
    if not abs(ours - official) < EXACT:
        raise EngineError(
            "figures_differ", f"expected the mAP of pycocotools, {official:.6f}, our samples give {ours:.6f}"
        )
