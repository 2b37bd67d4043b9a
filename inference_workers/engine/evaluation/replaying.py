"""A recorded window through two versions: what both see, and what only one of them sees.

Recordings are redacted, so faces are covered in what the versions see here; both see the same.
"""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from inference_workers.contracts.evaluations import RecordedPart
from inference_workers.engine.detectors.base import Detector
from inference_workers.engine.errors import EngineError
from inference_workers.engine.evaluation.pairing import Thing, pair
from inference_workers.engine.frame import Detections, Image

MAX_PART_BYTES = 128 * 1024 * 1024
MAX_FRAMES = 5_000


@dataclass(frozen=True, slots=True)
class FrameDifference:
    """One picture on which the versions differ. `at`: POSIX seconds; boxes normalised."""

    segment_id: str
    frame: int
    at: float
    both: tuple[Thing, ...]
    only_candidate: tuple[Thing, ...]
    only_base: tuple[Thing, ...]

    @property
    def count(self) -> int:
        return len(self.only_candidate) + len(self.only_base)

    def plain(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class PartCounts:
    """Counts of one recorded part, by class where that says more."""

    frames: int
    matched: dict[str, int]
    only_candidate: dict[str, int]
    only_base: dict[str, int]


def decoded(video: bytes, part: RecordedPart) -> Iterator[tuple[int, float, Image]]:
    """Number, time and pixels of each picture of a segment. Raises EngineError `recording_unreadable`."""
    try:
        with av.open(io.BytesIO(video), "r", format="mp4") as file:
            first_s: float | None = None
            for number, frame in enumerate(file.decode(video=0)):
                if number >= MAX_FRAMES:
                    return
                seconds = float(frame.time or 0.0)
                first_s = seconds if first_s is None else first_s
                at = part.started_at + seconds - first_s
                yield number, at, np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    except FFmpegError as error:
        raise EngineError("recording_unreadable", "a recorded segment cannot be decoded") from error


def compare_part(
    frames: Iterator[tuple[int, float, Image]],
    part: RecordedPart,
    candidate: Detector,
    base: Detector,
    min_iou: float,
) -> tuple[PartCounts, list[FrameDifference]]:
    """Run both versions on every picture of one part."""
    matched, ours, theirs = Counter[str](), Counter[str](), Counter[str]()
    differing, count = [], 0
    for number, at, image in frames:
        count += 1
        first, second = things(candidate.detect([image])[0], image), things(base.detect([image])[0], image)
        pairs = pair(first, second, min_iou)
        left = [thing for i, thing in enumerate(first) if i not in {i for i, _j in pairs}]
        right = [thing for j, thing in enumerate(second) if j not in {j for _i, j in pairs}]
        matched.update(first[i].label for i, _j in pairs)
        ours.update(thing.label for thing in left)
        theirs.update(thing.label for thing in right)
        if left or right:
            both = tuple(first[i] for i, _j in pairs)
            differing.append(FrameDifference(part.segment_id, number, at, both, tuple(left), tuple(right)))
    return PartCounts(count, dict(matched), dict(ours), dict(theirs)), differing


def things(detections: Detections, image: Image) -> list[Thing]:
    height, width = image.shape[:2]
    boxes = np.clip(detections.boxes_xyxy / np.array([width, height] * 2), 0, 1).round(6)
    return [
        Thing((box[0], box[1], box[2], box[3]), label, score)
        for box, score, label in zip(
            boxes.tolist(), detections.scores.tolist(), detections.labels(), strict=True
        )
    ]


def chosen(found: Sequence[FrameDifference], most: int) -> list[FrameDifference]:
    """Those that differ most, in order of time; of a run of neighbours the list keeps all that fit."""
    picked = sorted(found, key=lambda item: (-item.count, item.at))[:most]
    return sorted(picked, key=lambda item: item.at)


def totals(parts: Sequence[PartCounts]) -> dict[str, Any]:
    sums: dict[str, Counter[str]] = {name: Counter() for name in ("matched", "only_candidate", "only_base")}
    for part in parts:
        sums["matched"].update(part.matched)
        sums["only_candidate"].update(part.only_candidate)
        sums["only_base"].update(part.only_base)
    return {"frames": sum(part.frames for part in parts)} | {
        name: dict(count) for name, count in sums.items()
    }
