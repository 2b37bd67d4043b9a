"""Error rates of the guards of rollouts: versions that are equal, better and worse, on real detections.

    python -m benchmarks.rollout_guards ../shared/data [runs]

Two real versions (PicoDet 320 and 416) look at eight real clips once. Then each run is a canary of its own: a
seeded salt chooses the cameras, each camera begins at a seeded place of its clip, and matching, windows of
five seconds, looks and guards are those of the product, in stream time. Prints one line per kind: how many
runs were taken back, by which guard, and after how many seconds.
"""

import json
import random
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.rollouts.guards import DEFAULT_GUARDS, Compared, Guard, Metric, Reading, Tally, Verdict, judge, read
from apps.rollouts.share import reached
from inference_workers.contracts.comparison import LATENCY_BUCKETS, LATENCY_EDGES_MS, SCORE_BINS
from inference_workers.engine.detectors import Detector
from inference_workers.engine.frame import Detections
from inference_workers.engine.version_sums import is_hard, match

FPS = 5
FRAMES = 75  # of each clip, five a second
LOOK_S, WINDOW_S, TOLD_AFTER_S = 5.0, 5, 2.5
EQUAL_FOR_S, WORSE_FOR_S = 120, 60
STEPS = (5, 25)
BASE, BETTER = "picodet_s_320", "picodet_s_416"
CLIPS = ("cam01", "cam02", "cam04", "cam05", "cam06", "cam08", "cam10", "cam14")
Clips = dict[str, dict[str, list[Detections]]]
Window = tuple[float, Compared]  # when it ended, and both versions in it
Change = Callable[[Detections, np.random.Generator], Detections]


def gather(data: Path, detectors: Mapping[str, Detector]) -> Clips:
    """What each version finds in the frames of every clip."""
    import cv2

    found: Clips = {}
    for clip in CLIPS:
        capture = cv2.VideoCapture(str(next((data / "video").glob(f"{clip}_*"))))
        step = max(1, round((capture.get(cv2.CAP_PROP_FPS) or 25) / FPS))
        frames = []
        while len(frames) < FRAMES and capture.grab():
            if int(capture.get(cv2.CAP_PROP_POS_FRAMES)) % step == 0:
                frames.append(capture.retrieve()[1])
        found[clip] = {
            name: [detector.detect([frame])[0] for frame in frames] for name, detector in detectors.items()
        }
    return found


def unchanged(found: Detections, rng: np.random.Generator) -> Detections:
    return found


def jitter(found: Detections, rng: np.random.Generator) -> Detections:
    """As another build of the same weights: scores by 0.02, edges by 2 % of the box, the weakest may go."""
    if not len(found):
        return found
    size = (found.boxes_xyxy[:, 2:] - found.boxes_xyxy[:, :2]).repeat(2, axis=0).reshape(-1, 4)
    moved = found.boxes_xyxy + rng.normal(0, 0.02, size.shape) * size
    scores = np.clip(found.scores + rng.normal(0, 0.02, len(found)), 0, 1)
    return _of(found, moved, scores, scores >= 0.4)


def shifted(found: Detections, rng: np.random.Generator) -> Detections:
    """All scores lower by 0.15; what falls below the threshold is not reported."""
    scores = found.scores - 0.15
    return _of(found, found.boxes_xyxy, scores, scores >= 0.4)


def shifted_kept(found: Detections, rng: np.random.Generator) -> Detections:
    """All scores lower by 0.15, and the threshold with them: the same boxes are reported."""
    return _of(found, found.boxes_xyxy, np.clip(found.scores - 0.15, 0, 1), np.ones(len(found), bool))


def displaced(found: Detections, rng: np.random.Generator) -> Detections:
    """Every box aside by 40 % of its width and down by 30 % of its height."""
    size = found.boxes_xyxy[:, 2:] - found.boxes_xyxy[:, :2]
    moved = found.boxes_xyxy + np.tile(size * (0.4, 0.3), 2)
    return _of(found, moved, found.scores, np.ones(len(found), bool))


def dropping(class_id: int) -> Change:
    """One class is found no more."""
    return lambda found, rng: _of(found, found.boxes_xyxy, found.scores, found.class_ids != class_id)


def _of(found: Detections, boxes: Any, scores: Any, keep: Any) -> Detections:
    return Detections(
        boxes[keep].astype(np.float32),
        scores[keep].astype(np.float32),
        found.class_ids[keep],
        found.classes,
    )


def canary(
    clips: Clips, seed: int, side: str, change: Change | None, seconds: int
) -> tuple[float, Reading] | None:
    """One canary; None when nothing took it back, else after how many seconds and by which guard.

    `change` None drops the class that the base finds most on the cameras of this canary.
    """
    cameras = canary_cameras(seed)
    change = change or dropping(_commonest(clips, cameras))
    return run(clips, seed, (BASE, side), cameras, seconds, change=change)


def run(
    clips: Clips,
    seed: int,
    sides: tuple[str, str],
    cameras: Iterable[str],
    seconds: int,
    *,
    change: Change = unchanged,
    guards: Sequence[Guard] = DEFAULT_GUARDS,
) -> tuple[float, Reading] | None:
    """Both versions (base, candidate) on these cameras; when and by which guard it was taken back."""
    chance = random.Random(seed)
    windows = [
        window for camera in cameras for window in windows_of(clips[camera], sides, change, seed, seconds)
    ]
    before: dict[Metric, Reading] = {}
    newest = 0.0
    at = chance.uniform(0, LOOK_S)
    while at <= seconds:
        told = [window for window in windows if window[0] + TOLD_AFTER_S <= at]
        last = max((ended_at for ended_at, _both in told), default=0.0)
        before = {
            guard.metric: read(guard, _within(told, at, guard), before.get(guard.metric), fresh=last > newest)
            for guard in guards
        }
        newest = max(newest, last)
        verdict, culprit = judge(before.values())
        if verdict is Verdict.BREACH and culprit is not None:
            return at, culprit
        at += LOOK_S
    return None


def canary_cameras(seed: int) -> list[str]:
    """Those of the first step that reaches one."""
    salt = f"salt {seed}"
    for percent in STEPS:
        if inside := reached(salt, CLIPS, percent):
            return sorted(inside)
    return sorted(reached(salt, CLIPS, 100))[:1]


def _commonest(clips: Clips, cameras: list[str]) -> int:
    counts = Counter(
        int(number) for camera in cameras for found in clips[camera][BASE] for number in found.class_ids
    )
    return counts.most_common(1)[0][0]


def windows_of(
    found: dict[str, list[Detections]], sides: tuple[str, str], change: Change, seed: int, seconds: int
) -> list[Window]:
    """Both versions on the same frames, at the same speed."""
    rng = np.random.default_rng(seed)
    of_base, of_candidate = (found[side] for side in sides)
    begin = int(rng.integers(len(of_base)))
    windows = []
    for start in range(0, seconds, WINDOW_S):
        total = Compared()
        for seq in range(start * FPS, (start + WINDOW_S) * FPS):
            place = (begin + seq) % len(of_base)
            base, new = of_base[place], change(of_candidate[place], rng)
            matched = match(base, new)
            total += Compared(
                _tally(base, rng), _tally(new, rng), matched, len(base) - matched, len(new) - matched
            )
        windows.append((float(start + WINDOW_S), total))
    return windows


def _within(windows: list[Window], at: float, guard: Guard) -> Compared:
    return sum((both for ended_at, both in windows if ended_at > at - guard.window_s), Compared())


def _tally(found: Detections, rng: np.random.Generator) -> Tally:
    bins = np.clip((found.scores * SCORE_BINS).astype(int), 0, SCORE_BINS - 1)
    runs = [0] * LATENCY_BUCKETS
    runs[bisect_left(LATENCY_EDGES_MS, float(rng.gamma(20, 1)))] = 1
    return Tally(
        frames=1,
        latency={"cpu/1": tuple(runs)},
        detections=Counter(found.labels()),
        scores=tuple(int(count) for count in np.bincount(bins, minlength=SCORE_BINS)),
        hard_frames=int(is_hard(found)),
    )


KINDS: dict[str, tuple[str, Change | None, int]] = {
    "equal (another build)": (BASE, jitter, EQUAL_FOR_S),
    "better (320 -> 416)": (BETTER, unchanged, EQUAL_FOR_S),
    "worse: a class dropped": (BASE, None, WORSE_FOR_S),
    "worse: scores shifted": (BASE, shifted, WORSE_FOR_S),
    "worse: scores shifted, finds kept": (BASE, shifted_kept, WORSE_FOR_S),
    "worse: boxes displaced": (BASE, displaced, WORSE_FOR_S),
}


def main(data: str, runs: str = "20") -> None:
    from benchmarks.detectors import open_known

    weights = Path(data) / "weights" / "detection"
    clips = gather(Path(data), {name: open_known(weights / f"{name}.onnx") for name in (BASE, BETTER)})
    for kind, (side, change, seconds) in KINDS.items():
        ends = [
            end
            for seed in range(int(runs))
            if (end := canary(clips, seed, side, change, seconds)) is not None
        ]
        by = Counter(culprit.metric.value for _at, culprit in ends)
        slowest = max((at for at, _culprit in ends), default=0.0)
        print(f"{kind:36} taken back {len(ends):2}/{runs}  slowest {slowest:5.1f} s  {json.dumps(dict(by))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
