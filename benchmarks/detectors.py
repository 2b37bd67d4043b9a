"""mAP of every known detector and recall of every known face detector on the shared pictures.

    python -m benchmarks.detectors ../shared/data

Prints one line per model: pictures, objects, the figure, the figure expected, milliseconds per picture.
"""

import contextlib
import io
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inference_workers.engine.backends import BackendOptions
from inference_workers.engine.boxes import iou_xyxy
from inference_workers.engine.detectors import Detector
from inference_workers.engine.frame import Image
from inference_workers.engine.model_directory import build_detector
from inference_workers.side_files import KnownModel, describe_known

LOWEST_SCORE = 0.001
FACE_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Measured:
    pictures: int
    objects: int
    figure: float
    ms_per_picture: float


def open_known(path: Path, *, score: float | None = None, size: int | None = None) -> Detector:
    """A known model as its side file says, with another score threshold or bounding size."""
    known = describe_known(path)
    if known is None:
        raise SystemExit(f"{path.name}: expected a known file, its sha256 is in no table")
    side = known.side
    if score is not None:
        side = replace(side, thresholds={**side.thresholds, "score": score})
    if size is not None:
        side = replace(side, input_size=(size, size))
    return build_detector(path.read_bytes(), path.name, side, BackendOptions())


def coco_map(detector: Detector, images: Path, truth: Path, category: int | None = None) -> Measured:
    """COCO mAP 0.5:0.95; with `category` the average precision of that class alone."""
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(truth))
    found: list[dict[str, Any]] = []
    spent_s = 0.0
    for picture in coco.dataset["images"]:
        image = read(images / picture["file_name"])
        started = time.perf_counter()
        (detections,) = detector.detect([image])
        spent_s += time.perf_counter() - started
        for box, score, class_id in zip(
            detections.boxes_xyxy.tolist(),
            detections.scores.tolist(),
            detections.class_ids.tolist(),
            strict=True,
        ):
            x, y, right, bottom = box
            found.append(
                {"image_id": picture["id"], "category_id": class_id, "score": score,
                 "bbox": [x, y, right - x, bottom - y]}
            )  # fmt: skip
    count = len(coco.dataset["images"])
    figure = _average_precision(coco, found, category)
    return Measured(count, len(coco.dataset["annotations"]), figure, spent_s / count * 1000)


def _average_precision(coco: Any, found: list[dict[str, Any]], category: int | None) -> float:
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
        if category is not None:
            evaluation.params.catIds = [category]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


def face_recall(detector: Detector, folder: Path, *, human_only: bool = True) -> Measured:
    """Share of labelled faces met with IoU >= 0.5; each detection meets one face."""
    truth = json.loads((folder / "faces.json").read_text())
    hits = faces = 0
    spent_s = 0.0
    pictures = 0
    for picture in truth["images"]:
        labelled = np.array(list(_faces(truth, picture["id"], human_only)), dtype=np.float32)
        if not len(labelled):
            continue
        image = read(folder / picture["file_name"])
        started = time.perf_counter()
        (detections,) = detector.detect([image])
        spent_s += time.perf_counter() - started
        pictures += 1
        faces += len(labelled)
        hits += _matched(labelled, detections.boxes_xyxy)
    return Measured(pictures, faces, hits / faces, spent_s / pictures * 1000)


def _faces(truth: dict[str, Any], image_id: int, human_only: bool) -> Iterable[list[float]]:
    for face in truth["annotations"]:
        if face["image_id"] != image_id or face["ignore"]:
            continue
        if human_only and not face["origin"].startswith("human"):
            continue
        x, y, width, height = face["bbox"]
        yield [x, y, x + width, y + height]


def _matched(labelled: np.ndarray, found: np.ndarray) -> int:
    """Greedy one-to-one matches, the best overlap first."""
    overlaps = iou_xyxy(labelled, found) if len(found) else np.zeros((len(labelled), 0))
    hits = 0
    while overlaps.size and overlaps.max() >= FACE_IOU:
        row, column = np.unravel_index(overlaps.argmax(), overlaps.shape)
        overlaps[row, :] = 0
        overlaps[:, column] = 0
        hits += 1
    return hits


def read(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise SystemExit(f"{path}: expected a readable picture")
    return np.asarray(image, dtype=np.uint8)


def main(data: Path) -> None:
    described = json.loads((data / "weights" / "MODELS.json").read_text())["models"]
    for entry in described:
        path = data / entry["file"]
        known = describe_known(path) if path.suffix == ".onnx" else None
        if known is not None:
            print(_line(data, path, known, entry), flush=True)


def _line(data: Path, path: Path, known: KnownModel, entry: dict[str, Any]) -> str:
    if known.side.task == "face":
        expected = entry.get("recall", {}).get("shared_human")
        size = 1280 if known.side.preprocess.resize == "fit" else None
        measured = face_recall(open_known(path, size=size), data / "images" / "faces")
    else:
        coco = data / "images" / "coco"
        expected = next(iter(entry["map"].values()))
        category = 0 if known.side.classes == ("person",) else None
        detector = open_known(path, score=LOWEST_SCORE)
        measured = coco_map(detector, coco / "val2017", coco / "instances_val2017.json", category)
    return (
        f"{known.name:28} {measured.pictures:3} pictures {measured.objects:4} objects  "
        f"{measured.figure:.3f} (expected {expected})  {measured.ms_per_picture:.1f} ms"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
