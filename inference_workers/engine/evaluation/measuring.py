"""One version on a labelled set: what it finds, how long it takes, how good that is."""

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import psutil

from inference_workers.contracts.evaluations import LabelledPicture, LabelledSet
from inference_workers.engine.detectors.base import Detector
from inference_workers.engine.evaluation.labels import (
    Sized,
    class_places,
    coco_truth,
    light_of,
    luma_of,
    open_picture,
    to_xywh,
)
from inference_workers.engine.evaluation.precision import (
    AP50_INDEX,
    AREAS,
    ClassMatches,
    Floats,
    Matches,
    class_precisions,
    match,
    mean_precision,
)

# Precision is measured over all scores; a version serves from its own threshold on.
LOWEST_SCORE = 0.01
PORTION = 64
MIN_SLICE_PICTURES = 1


@dataclass(frozen=True, slots=True)
class Seen:
    """What a version found in one picture.

    Attributes:
        boxes_xyxy: normalised to the picture, rounded to 1e-6.
        labels: classes of the set; what the set has no class for is left out.
        ms: from the decoded picture to the boxes.
    """

    sha256: str
    width: int
    height: int
    luma: float
    ms: float
    boxes_xyxy: tuple[tuple[float, float, float, float], ...] = ()
    scores: tuple[float, ...] = ()
    labels: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Portion:
    """Pictures of one portion. `memory_bytes` and `threads`, `providers` say how the version ran."""

    seen: tuple[Seen, ...]
    memory_bytes: int = 0
    threads: int = 1
    providers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measurement:
    """All that was seen, in the order of the set, with its matches."""

    labelled: LabelledSet
    pictures: tuple[Sized, ...]
    seen: tuple[Seen, ...]
    matches: Matches


@dataclass(frozen=True, slots=True)
class Slice:
    """Part of a set. `mask`: (I,) which pictures; `area`: which sizes of objects."""

    kind: str
    name: str
    area: str
    mask: Floats = field(compare=False)


def look(
    detector: Detector,
    labelled: LabelledSet,
    pictures: Sequence[LabelledPicture],
    read: Callable[[str], bytes],
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Seen, ...]:
    """Run a version on some pictures, one at a time. `read` gives the bytes of a picture by its hash."""
    places = class_places(detector.classes, labelled.classes)
    found: list[Seen] = []
    for picture in pictures:
        image = open_picture(read(picture.sha256), picture)
        if not found:
            detector.detect([image])  # the first one of a session allocates; that is not its latency
        started = clock()
        (detections,) = detector.detect([image])
        ms = (clock() - started) * 1000
        height, width = image.shape[:2]
        kept = [i for i, label in enumerate(detections.class_ids.tolist()) if label in places]
        boxes = detections.boxes_xyxy / np.array([width, height] * 2)
        found.append(
            Seen(
                picture.sha256, width, height, round(luma_of(image), 1), round(ms, 3),
                tuple(_rounded(boxes[i].tolist()) for i in kept),
                tuple(float(detections.scores[i]) for i in kept),
                tuple(places[int(detections.class_ids[i])] for i in kept),
            )
        )  # fmt: skip
    return tuple(found)


def _rounded(box: Sequence[float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (round(min(1.0, max(0.0, side)), 6) for side in box)
    return left, top, right, bottom


def measurement(labelled: LabelledSet, seen: Sequence[Seen]) -> Measurement:
    """Match what was seen with the labels. Raises EngineError `figures_differ`, `set_empty`."""
    pictures = tuple(
        Sized(picture, item.width, item.height, light_of(picture, item.luma))
        for picture, item in zip(labelled.pictures, seen, strict=True)
    )
    found = [
        {"image_id": place + 1, "category_id": label, "score": score,
         "bbox": to_xywh(box, item.width, item.height)}
        for place, item in enumerate(seen)
        for box, score, label in zip(item.boxes_xyxy, item.scores, item.labels, strict=True)
    ]  # fmt: skip
    return Measurement(labelled, pictures, tuple(seen), match(coco_truth(labelled.classes, pictures), found))


def slices_of(measured: Measurement) -> list[Slice]:
    """Sizes of objects over all pictures; lights and cameras over their own pictures."""
    ones = np.ones(len(measured.pictures))
    slices = [Slice("size", area, area, ones) for area in AREAS[1:]]
    for kind, names in (
        ("light", [sized.light for sized in measured.pictures]),
        ("camera", [sized.labelled.camera for sized in measured.pictures]),
    ):
        for name in sorted(set(names) - {""}):
            mask = np.array([float(other == name) for other in names])
            slices.append(Slice(kind, name, "all", mask))
    return slices


def objects_in(measured: Measurement, part: Slice) -> int:
    return int(sum((found.objects * part.mask).sum() for found in measured.matches.by_area[part.area]))


def per_class(matches: Sequence[ClassMatches], weights: Floats) -> list[Floats]:
    return [class_precisions(found, weights) for found in matches]


def figures(measured: Measurement, portions: Sequence[Portion]) -> dict[str, Any]:
    """The whole result of one version as plain values (docs/model-quality.md)."""
    ones = np.ones((1, len(measured.pictures)))
    classes = per_class(measured.matches.by_area["all"], ones)
    ms = np.array([item.ms for item in measured.seen])
    return {
        "pictures": len(measured.pictures),
        "objects": int(sum(found.objects.sum() for found in measured.matches.by_area["all"])),
        "official": measured.matches.official,
        "classes": [
            {"name": name, "objects": int(found.objects.sum()), "ap": float(ap[0].mean()),
             "ap50": float(ap[0, AP50_INDEX])}
            for name, found, ap in zip(
                measured.labelled.classes, measured.matches.by_area["all"], classes, strict=True
            )
            if not np.isnan(ap[0, 0])
        ],
        "slices": [_slice_figures(measured, part) for part in slices_of(measured)],
        "latency_ms": {f"p{share}": round(float(np.percentile(ms, share)), 3) for share in (50, 95)},
        "memory_bytes": max((portion.memory_bytes for portion in portions), default=0),
        "hardware": hardware(portions),
        "lights": [sized.light for sized in measured.pictures],
    }  # fmt: skip


def _slice_figures(measured: Measurement, part: Slice) -> dict[str, Any]:
    precision = mean_precision(per_class(measured.matches.by_area[part.area], part.mask[None, :]))[0]
    return {
        "kind": part.kind, "name": part.name, "pictures": int(part.mask.sum()),
        "objects": objects_in(measured, part), "ap": None if np.isnan(precision) else float(precision),
    }  # fmt: skip


def hardware(portions: Sequence[Portion]) -> dict[str, Any]:
    """On what the latency was measured: figures of two machines are not compared."""
    first = portions[0] if portions else Portion(())
    return {
        "cpu": _cpu_name(), "cores": os.cpu_count() or 1, "threads": first.threads,
        "providers": list(first.providers), "onnxruntime": onnxruntime.__version__,
    }  # fmt: skip


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def plain(portion: Portion) -> Mapping[str, Any]:
    return asdict(portion)
