"""Recall of face detectors on the hard sequences at a fixed rate of false covers, per size class.

    python -m benchmarks.redaction.recall ../shared/data

Every fifth frame. A face is found when a box meets it with IoU >= 0.3 or has its middle in the face's box; a
box that meets no face, hidden ones included, is a false cover. The score is set where false covers come to
0.1 per frame.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.live_privacy import open_detector
from benchmarks.redaction.films import make_film, read_film
from benchmarks.redaction.sequences import hard_sequences
from benchmarks.redaction.stock import shared_stock
from benchmarks.redaction.tools import CACHE
from benchmarks.redaction.truth import SIZE_CLASSES, Face, Truth
from inference_workers.engine.boxes import iou_xyxy
from inference_workers.engine.detectors import Detector
from inference_workers.engine.frame import Image

EVERY = 5
FALSE_PER_FRAME = 0.1
MET_IOU = 0.3
# Bounding sides; the sequences are 640 px wide and never enlarged.
DETECTORS = (("centerface", 640), ("centerface", 320), ("yunet", 640), ("yunet", 320))
SEQUENCES = CACHE / "hard-2"


@dataclass(slots=True)
class Tally:
    """Scores of false boxes, and for each face the best score of a box that met it (0: none)."""

    frames: int = 0
    false_scores: list[float] = field(default_factory=list)
    met: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))

    def score_at(self, false_per_frame: float) -> float:
        """The lowest score with no more false boxes than that."""
        ordered = sorted(self.false_scores, reverse=True)
        allowed = int(false_per_frame * self.frames)
        return ordered[allowed] if allowed < len(ordered) else 0.0

    def recall(self, size_class: int, score: float) -> float:
        scores = self.met[size_class]
        return sum(found > score for found in scores) / max(len(scores), 1)


def frames(data: Path) -> Iterator[tuple[Truth, int, Image]]:
    for scene in hard_sequences(shared_stock(data)):
        path, truth = make_film(scene, SEQUENCES)
        for number, image in enumerate(read_film(path)):
            if number % EVERY == 0:
                yield truth, number, image


def tally(detector: Detector, seen: Iterator[tuple[Truth, int, Image]]) -> Tally:
    result = Tally()
    for truth, number, image in seen:
        (found,) = detector.detect([image])
        faces = truth.frames[number]
        meets = meeting(faces, found.boxes_xyxy)
        result.frames += 1
        result.false_scores += found.scores[~meets.any(axis=0)].tolist()
        for face, row in zip(faces, meets, strict=True):
            if face.counts:
                result.met[face.size_class].append(float(found.scores[row].max(initial=0.0)))
    return result


def meeting(faces: Sequence[Face], boxes_xyxy: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(faces, boxes): which box meets which face."""
    if not faces or not len(boxes_xyxy):
        return np.zeros((len(faces), len(boxes_xyxy)), bool)
    truth = np.array([face.box_xyxy for face in faces])
    middle = ((boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2)[None]
    inside = ((middle >= truth[:, None, :2]) & (middle <= truth[:, None, 2:])).all(axis=2)
    return np.asarray(inside | (iou_xyxy(truth, boxes_xyxy.astype(float)) >= MET_IOU))


def main(data: Path) -> None:
    print(f"Recall at {FALSE_PER_FRAME} false covers per frame (score in brackets)")
    for model, side in DETECTORS:
        found = tally(open_detector(model, side, data), frames(data))
        score = found.score_at(FALSE_PER_FRAME)
        cells = (
            f"from {bound} px {found.recall(bound, score):6.1%} of {len(found.met[bound])}"
            for bound in SIZE_CLASSES
        )
        print(f"  {model} {side:4} ({score:.2f})  " + "  ".join(cells), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
