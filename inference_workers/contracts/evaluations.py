"""Labelled sets, versions measured on them, comparisons, replays of recordings, and variants of a version.

Each is one durable job. The control plane's ledger decides when it runs; a worker keeps nothing between two
attempts but what it left in the object store: a job is cut into portions, and a portion that is there already
is not done again. Boxes of labels and of results are normalised 0..1 of the upright picture.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from inference_workers.contracts.lease import ModelRef

TASK_EVALUATE = "gpu.evaluate"

BoxXyxy = tuple[float, float, float, float]


class EvaluationKind(StrEnum):
    """`CHECK` opens every picture of a set, `MEASURE` runs one version on it, `COMPARE` sets two measurements
    side by side, `REPLAY` runs two versions on a recorded window, `VARIANT` makes another file of a version.
    """

    CHECK = "check"
    MEASURE = "measure"
    COMPARE = "compare"
    REPLAY = "replay"
    VARIANT = "variant"


class VariantKind(StrEnum):
    """As `SideFile.kind` names them."""

    INT8 = "int8"
    FP16 = "fp16"
    CLEANED = "cleaned"


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """`area` is the share of the picture that the object covers (COCO: of its mask), None: that of the box.

    `crowd` marks a region with many objects: finds in it count neither for nor against.
    """

    label: int
    box_xyxy: BoxXyxy
    area: float | None = None
    crowd: bool = False


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """`width`, `height`: what the labels say, 0 for nothing. `camera`, `light`: slices, may be "".

    `taken_at` (POSIX seconds, 0 for unknown) and `source` (the id of the event, reading or segment that it is
    of, may be "") are how an erasure finds the persons in it.
    """

    sha256: str
    name: str
    boxes: tuple[LabelledBox, ...]
    width: int = 0
    height: int = 0
    camera: str = ""
    light: str = ""
    taken_at: float = 0.0
    source: str = ""


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """What the labels of a set say; its canonical JSON is the manifest whose hash names the version."""

    classes: tuple[str, ...]
    pictures: tuple[LabelledPicture, ...]


@dataclass(frozen=True, slots=True)
class SetRef:
    """One version of a labelled set. `sha256` is that of the manifest."""

    set_id: str
    sha256: str
    pictures: int


@dataclass(frozen=True, slots=True)
class Measure:
    """Run `model` on every picture of the set."""

    model: ModelRef


@dataclass(frozen=True, slots=True)
class Compare:
    """Set two measurements of one set side by side; the versions are timed anew, in turns.

    Attributes:
        candidate_id, base_id: job ids of the measurements.
        candidate_score, base_score: the scores from which on the versions answer when they serve.
        must_pass: hashes of the pictures on which nothing may be missed, however good the mean is.
        face_models: cover the faces in the pictures that are shown; none: they are shown as a mosaic.
        resamples, seed: of the bootstrap. `margin`: a difference of mAP that nobody needs to care about.
        worst: how many pictures are shown.
    """

    candidate: ModelRef
    base: ModelRef
    candidate_id: str
    base_id: str
    candidate_score: float
    base_score: float
    must_pass: tuple[str, ...] = ()
    face_models: tuple[ModelRef, ...] = ()
    resamples: int = 1000
    seed: int = 1
    margin: float = 0.01
    worst: int = 20


@dataclass(frozen=True, slots=True)
class RecordedPart:
    """One recorded, redacted segment; `started_at` and `ended_at` are POSIX seconds."""

    segment_id: str
    object_key: str
    sha256: str
    started_at: float
    ended_at: float


@dataclass(frozen=True, slots=True)
class Replay:
    """Run both versions on every picture of the parts between `since` and `until` (POSIX seconds)."""

    candidate: ModelRef
    base: ModelRef
    since: float
    until: float
    parts: tuple[RecordedPart, ...]
    face_models: tuple[ModelRef, ...] = ()
    iou: float = 0.5
    shown: int = 60


@dataclass(frozen=True, slots=True)
class MakeVariant:
    """Make another file of `parent`; int8 is calibrated on the pictures with these hashes."""

    parent: ModelRef
    kind: VariantKind
    name: str
    calibration: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluationStep:
    """The message of task `gpu.evaluate`. Of the last fields that of `kind` is set; CHECK has none.

    `labelled` is the set that the job stands on; None for REPLAY and for variants without calibration.
    """

    job_id: str
    kind: EvaluationKind
    attempt: int
    deadline_at: float
    labelled: SetRef | None = None
    measure: Measure | None = None
    compare: Compare | None = None
    replay: Replay | None = None
    variant: MakeVariant | None = None


@dataclass(frozen=True, slots=True)
class EvaluationReply:
    """The outcome of one job, on the results stream. The first success counts.

    `summary` are the few figures that lists show, by name; the whole is the JSON at `output_key`.
    `verdict` and `reason` are set by COMPARE alone. `side_file` is set by VARIANT: how the file at `made_key`
    is fed and read, as JSON.
    """

    job_id: str
    kind: EvaluationKind
    attempt: int
    output_key: str = ""
    output_sha256: str = ""
    summary: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    verdict: str = ""
    side_file: str = ""
    duration_ms: float = 0.0
    error_code: str | None = None
    error: str | None = None
    transient: bool = False


def set_prefix(set_id: str) -> str:
    """Pictures and manifests of all versions of a labelled set lie below."""
    return f"datasets/{set_id}"


def manifest_key(set_id: str, sha256: str) -> str:
    return f"{set_prefix(set_id)}/manifests/{sha256}.json"


def picture_key(set_id: str, sha256: str) -> str:
    """A labelled picture as it came, unredacted: read by workers alone."""
    return f"{set_prefix(set_id)}/pictures/{sha256}"


def job_prefix(job_id: str) -> str:
    """Everything that a job wrote; deleting it forgets the job."""
    return f"evaluations/{job_id}"


def portion_key(job_id: str, portion: int) -> str:
    return f"{job_prefix(job_id)}/portions/{portion:05d}.json"


def outcome_key(job_id: str) -> str:
    """The whole result as JSON (docs/model-quality.md)."""
    return f"{job_prefix(job_id)}/result.json"


def made_key(job_id: str) -> str:
    """The file that a variant job made: it is checked and installed from there, as an upload is."""
    return f"{job_prefix(job_id)}/model.onnx"


def shown_key(job_id: str, name: str) -> str:
    """One redacted picture that a result shows; `name` is in the result."""
    return f"{job_prefix(job_id)}/pictures/{name}.jpg"


RUNNING_TTL_S = 15


def running_key(job_id: str, attempt: int) -> str:
    """Redis key that a worker sets and renews while it works on a job: "DONE/TOTAL" portions."""
    return f"vidette:evaluation:{job_id}:{attempt}"
