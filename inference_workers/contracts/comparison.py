"""What one model version did on one camera within a short window, and beside which version it was compared.

The windows are what rollouts judge by: sums and histograms, no pictures and no single boxes. A version that
serves reports what it saw in all its frames. A shadow reports only frames that the serving version answered
too, and beside its own sums those of the serving version on exactly the same frames, so that the scene, the
light and the rate are the same on both sides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from inference_workers.contracts.frames import Cost
from inference_workers.contracts.lease import Stage

# Upper edges in milliseconds of what a run costs per picture (preparing, running and reading the answer; no
# waiting). The last bucket of a histogram, one more than there are edges, has no upper edge. Edges are 12 %
# apart: what falls to this side or to that of one edge must be no slower version.
LATENCY_EDGES_MS = tuple(round(0.5 * 2 ** (step / 6), 3) for step in range(79))
LATENCY_BUCKETS = len(LATENCY_EDGES_MS) + 1
# Scores 0..1 in bins of 0.05; bin i holds i/20 <= score < (i + 1)/20, the last one 1.0 too.
SCORE_BINS = 20
# Two boxes are the same find when they overlap so much and have the same class.
MATCH_IOU = 0.5
# A frame is hard for a version when at least half of what it found there is uncertain: a score in this range.
UNCERTAIN_FROM = 0.25
UNCERTAIN_TO = 0.5
HARD_SHARE = 0.5
# A track that ended and lived shorter was probably lost, not gone.
SHORT_TRACK_S = 2.0
# More classes than that in one window are not told apart: the rest is counted as OTHER_CLASS.
MAX_CLASSES = 100
OTHER_CLASS = "*"
# Runs are told apart by `run_kind`; a worker's largest batch has 64 pictures.
MAX_RUN_KINDS = 128


class Role(StrEnum):
    """`SHADOW`: it sees the frames and nothing of it is published."""

    SERVING = "serving"
    SHADOW = "shadow"


def run_kind(cost: Cost) -> str:
    """Only runs of one kind are comparable: by the same clock, and of as many pictures."""
    return f"{cost.clock.value}/{cost.pictures}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a version found in the frames of a window, and what that cost.

    `detections` counts finds by class, `scores` are SCORE_BINS counts. Tracks are those of a tracker that the
    version has for itself: `tracks_started` counts things seen twice, `tracks_ended` and of those
    `tracks_short` (SHORT_TRACK_S), `track_gaps` how often a track was missed for a look or more and then
    found again. Tracks end after they began, often in a later window. `latency` has by `run_kind`
    LATENCY_BUCKETS counts of runs, not of frames: frames that share a run have one time between them.
    """

    frames: int = 0
    detections: Mapping[str, int] = field(default_factory=dict)
    scores: tuple[int, ...] = (0,) * SCORE_BINS
    hard_frames: int = 0
    tracks_started: int = 0
    tracks_ended: int = 0
    tracks_short: int = 0
    track_gaps: int = 0
    latency: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Beside:
    """The serving version on the frames of a shadow's window, and how far the two agree.

    `matched` pairs of boxes (MATCH_IOU, same class), `only_base` and `only_candidate` the rest of both.
    """

    version_id: str
    sha256: str
    seen: Seen = field(default_factory=Seen)
    matched: int = 0
    only_base: int = 0
    only_candidate: int = 0


@dataclass(frozen=True, slots=True)
class VersionWindow:
    """One version of one stage on one camera. Key: (camera_id, stage, version_id, role, started_at).

    Times are POSIX seconds by the clock of the frames. A window ends at a multiple of its length, when the
    lease changes what it is about, or when the camera's run ends; so windows of one version never overlap.
    `sha256` is the hash of the bytes that answered. `errors` are frames that the worker could not analyse
    with this version. `skipped` are frames that the version was to see and did not, because the worker had
    no time: a shadow gives way to everything that serves.
    """

    camera_id: str
    epoch: str
    lease_id: str
    stage: Stage
    version_id: str
    sha256: str
    role: Role
    started_at: float
    ended_at: float
    errors: int = 0
    skipped: int = 0
    seen: Seen = field(default_factory=Seen)
    beside: Beside | None = None
