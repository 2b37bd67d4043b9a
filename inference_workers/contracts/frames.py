"""Frames in shared memory, the micro-batch that names them, and the answer of the GPU worker.

Pixels never travel in a message: a `FrameRef` names a slot of a shared-memory ring.
"""

from dataclasses import dataclass
from enum import StrEnum

from inference_workers.contracts.lease import ModelRef, Script, Stage

LOADING = "loading"


@dataclass(frozen=True, slots=True)
class FrameRef:
    """One decoded frame: uint8 BGR, shape (height, width, 3), C order.

    `ring` is the file name below the shared-memory directory, `slot` its index and `generation` the value
    that the slot's header must hold before and after reading; another value means that the slot was used
    again and the frame is lost. `grabbed_at` is POSIX seconds at the moment of capture.
    """

    camera_id: str
    epoch: str
    seq: int
    grabbed_at: float
    ring: str
    slot: int
    generation: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the picture to read: a normalised polygon and its writing system."""

    polygon: tuple[tuple[float, float], ...]
    script: Script
    zone_id: str | None = None


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One frame to look at. Of a frame with `crop_xyxy` (normalised) only this part is looked at; what is
    found there is answered in coordinates of the whole picture all the same. For the stage CLASSIFY
    `crops_xyxy` are the things to name: the answer is one `Found` for each, in their order, with an empty
    label where no class is sure enough.
    """

    frame: FrameRef
    regions: tuple[Region, ...] = ()
    crop_xyxy: tuple[float, float, float, float] | None = None
    crops_xyxy: tuple[tuple[float, float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class AnalyseBatch:
    """The message of task `gpu.analyse`: frames of several cameras for one stage and model version.

    The answer is pushed to the Redis list `reply_to`. After `deadline_at` (POSIX seconds) nobody waits for
    it any more. While the worker loads `model`, `fallback` answers in its place: the version that served
    before. A batch of a shadow has none and waits for no loading.
    """

    batch_id: str
    stage: Stage
    model: ModelRef
    items: tuple[BatchItem, ...]
    reply_to: str
    submitted_at: float
    deadline_at: float
    fallback: ModelRef | None = None
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One detection. `box_xyxy` is normalised left, top, right, bottom; `score` is 0..1.

    `text` and `script` are set by the reading stage only; `text` is in logical order.
    """

    box_xyxy: tuple[float, float, float, float]
    score: float
    label: str
    text: str | None = None
    script: Script | None = None
    zone_id: str | None = None


class Clock(StrEnum):
    """`CPU`: how long the computing thread had a core; what else the machine does is not in it.

    `WALL`: the time that passed.
    """

    CPU = "cpu"
    WALL = "wall"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a model took for each of its `pictures`; only costs by one clock are comparable."""

    ms: float
    clock: Clock
    pictures: int = 1


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The answer for one frame; `error` in words when it could not be analysed (then `found` is empty).

    `cost` comes with the first frame of each run, so that a run counts once however many frames shared it.
    """

    camera_id: str
    epoch: str
    seq: int
    found: tuple[Found, ...] = ()
    error: str | None = None
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class BatchReply:
    """The answers in the order of the batch's items; none where no version could answer.

    `model_sha256` is the hash of the bytes that were really loaded, not of those that were asked for.

    `waiting` says why the version that was asked for did not answer: LOADING, or a code and words.
    """

    batch_id: str
    stage: Stage
    model_version_id: str
    model_sha256: str
    items: tuple[ItemResult, ...]
    queued_ms: float
    preprocess_ms: float
    infer_ms: float
    worker: str
    waiting: str = ""
