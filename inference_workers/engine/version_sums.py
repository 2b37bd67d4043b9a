"""What one version saw, summed: classes, scores, uncertain frames, tracks; and where two versions agree."""

from bisect import bisect_left
from collections import Counter

import numpy as np

from inference_workers.contracts.comparison import (
    HARD_SHARE,
    LATENCY_BUCKETS,
    LATENCY_EDGES_MS,
    MATCH_IOU,
    MAX_CLASSES,
    MAX_RUN_KINDS,
    OTHER_CLASS,
    SCORE_BINS,
    SHORT_TRACK_S,
    UNCERTAIN_FROM,
    UNCERTAIN_TO,
    Seen,
    run_kind,
)
from inference_workers.contracts.frames import Cost
from inference_workers.engine.boxes import iou_xyxy
from inference_workers.engine.frame import Detections
from inference_workers.engine.tracking import BoxTracker, Track

# A thing that is not seen for so long, and in two looks, is gone for its version.
GONE_S = 3.0
GONE_LOOKS = 2
KEEP_S = 5.0
MIN_SCORE = 0.2


def match(base: Detections, candidate: Detections) -> int:
    """How many boxes of both are the same find: IoU from MATCH_IOU on, same class, best pairs first."""
    if not len(base) or not len(candidate):
        return 0
    same = np.array([[a == b for b in candidate.labels()] for a in base.labels()], bool)
    overlaps = np.where(same, iou_xyxy(base.boxes_xyxy, candidate.boxes_xyxy), 0.0)
    pairs = 0
    while overlaps.max() >= MATCH_IOU:
        row, column = np.unravel_index(overlaps.argmax(), overlaps.shape)
        overlaps[row, :] = overlaps[:, column] = 0.0
        pairs += 1
    return pairs


def is_hard(found: Detections) -> bool:
    """Is at least half of what was found uncertain? Where nothing was found there is no doubt to see."""
    uncertain = (found.scores >= UNCERTAIN_FROM) & (found.scores < UNCERTAIN_TO)
    return bool(len(found)) and float(uncertain.mean()) >= HARD_SHARE


class Sums:
    """What one version saw since the last `take`; its tracks go on over windows."""

    def __init__(self, rate_fps: float) -> None:
        self._tracker = BoxTracker(min_score=MIN_SCORE, keep_s=KEEP_S, rate_fps=min(max(rate_fps, 0.2), 30.0))
        self._tracks: dict[int, tuple[Track, int]] = {}
        self._looks = 0
        self._clear()

    def _clear(self) -> None:
        self.frames = self._hard = self._started = self._ended = self._short = self._gaps = 0
        self._classes: Counter[str] = Counter()
        self._scores = np.zeros(SCORE_BINS, np.int64)
        self._latency: dict[str, list[int]] = {}

    def add(self, at: float, seq: int, found: Detections, cost: Cost | None = None) -> None:
        """Take in one look. A look that is older than the last one counts, but in no track."""
        self.frames += 1
        if cost is not None:
            self._time(cost)
        self._hard += is_hard(found)
        for label in found.labels() if found.classes else []:
            known = label in self._classes or len(self._classes) < MAX_CLASSES
            self._classes[label if known else OTHER_CLASS] += 1
        bins = np.clip((found.scores * SCORE_BINS).astype(int), 0, SCORE_BINS - 1)
        self._scores += np.bincount(bins, minlength=SCORE_BINS)
        self._follow(at, seq, found)

    def _time(self, cost: Cost) -> None:
        kind = run_kind(cost)
        if kind in self._latency or len(self._latency) < MAX_RUN_KINDS:
            counts = self._latency.setdefault(kind, [0] * LATENCY_BUCKETS)
            counts[bisect_left(LATENCY_EDGES_MS, cost.ms)] += 1

    def _follow(self, at: float, seq: int, found: Detections) -> None:
        self._looks += 1
        seen, _loose = self._tracker.update(at, seq, found)
        for track in seen:
            _, last_look = self._tracks.get(track.track_id, (track, 0))
            self._started += last_look == 0
            self._gaps += 0 < last_look < self._looks - 1
            self._tracks[track.track_id] = (track, self._looks)
        for track_id, (track, last_look) in list(self._tracks.items()):
            if at - track.last.at > GONE_S and self._looks - last_look >= GONE_LOOKS:
                track.closed = True  # what comes back later counts as another track
                del self._tracks[track_id]
                self._ended += 1
                self._short += track.last.at - track.first_at < SHORT_TRACK_S

    def take(self) -> Seen:
        """The sums, which begin again at zero."""
        seen = Seen(
            frames=self.frames,
            detections=dict(self._classes),
            scores=tuple(int(count) for count in self._scores),
            hard_frames=self._hard,
            tracks_started=self._started,
            tracks_ended=self._ended,
            tracks_short=self._short,
            track_gaps=self._gaps,
            latency={kind: tuple(counts) for kind, counts in self._latency.items()},
        )
        self._clear()
        return seen
