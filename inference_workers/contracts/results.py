"""What the data plane reports: tracks, readings, the state of a camera and the accounting. No pixels.

Every message is idempotent: its key names it, `revision` or a monotonic counter orders it, and a message
that comes twice or late changes nothing. Times are POSIX seconds, boxes and points are normalised 0..1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from inference_workers.contracts.colours import Colour
from inference_workers.contracts.leaks import LeakBox, PictureKind
from inference_workers.contracts.lease import ModelRef, Script


class CameraState(StrEnum):
    STARTING = "starting"
    STREAMING = "streaming"
    STALLED = "stalled"
    FROZEN = "frozen"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    BAD_DATA = "bad_data"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class TrackAttribute:
    """What a classifier said about a tracked object: of its answers on `looks` crops the most frequent.

    `name` is what the cascade calls it ("colour"), `value` the class, `confidence` that of the surest crop,
    and `model` the version that said so there.
    """

    cascade_id: str
    name: str
    value: str
    confidence: float
    looks: int
    model: ModelRef


@dataclass(frozen=True, slots=True)
class TrackResult:
    """One tracked object, sent when it is confirmed, when it changed and when it ended.

    Key: (camera_id, epoch, track_id); the highest `revision` wins. `path` is a sequence of
    (seconds since first_seen_at, x, y) of the box centre, thinned to at most 64 points. `upper_colour` and
    `lower_colour` are what a person wears, as far as the redacted picture shows it.
    """

    camera_id: str
    epoch: str
    track_id: int
    revision: int
    ended: bool
    label: str
    confidence: float
    first_seen_at: float
    last_seen_at: float
    best_box_xyxy: tuple[float, float, float, float]
    path: tuple[tuple[float, float, float], ...]
    zone_ids: tuple[str, ...]
    model: ModelRef
    lease_id: str
    snapshot_key: str | None = None
    snapshot_redaction: str | None = None
    upper_colour: Colour | None = None
    lower_colour: Colour | None = None
    attributes: tuple[TrackAttribute, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadingResult:
    """One line of text that was read. Key: `reading_id` (deterministic UUID)."""

    reading_id: str
    camera_id: str
    epoch: str
    seq: int
    read_at: float
    text: str
    script: Script
    confidence: float
    box_xyxy: tuple[float, float, float, float]
    zone_id: str | None
    model: ModelRef
    lease_id: str
    track_id: int | None = None
    snapshot_key: str | None = None


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """The state of a camera in a code and its facts; the words are the console's (two languages).

    `lease_revision` is the revision of the lease that is in force in the data plane, 0 where none is known.
    `served` is by stage the hash of the bytes that answered last. `waiting` says by stage why the version
    that the lease names does not answer yet: "loading", or a code and words; the one before goes on.
    """

    camera_id: str
    epoch: str
    at: float
    state: CameraState
    code: str = ""
    detail: str = ""
    retry_in_s: float | None = None
    fps: float = 0.0
    width: int = 0
    height: int = 0
    codec: str = ""
    clock_offset_s: float | None = None
    last_frame_at: float | None = None
    served: Mapping[str, str] = field(default_factory=dict)
    lease_revision: int = 0
    waiting: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Account:
    """Cumulative counters of one camera since `epoch` began; they only grow (`in_flight` excepted).

    captured = analysed + sum(skipped) + sum(lost) + in_flight holds in every message.
    """

    camera_id: str
    epoch: str
    at: float
    captured: int
    analysed: int
    in_flight: int
    skipped: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)

    def balances(self) -> bool:
        return self.captured == (
            self.analysed + self.in_flight + sum(self.skipped.values()) + sum(self.lost.values())
        )


@dataclass(frozen=True, slots=True)
class LeakSample:
    """One redacted picture that was looked at again. Key: `sample_id`.

    `leaks` are faces that no cover hides; `on_covers` counts finds on a cover: there the cover is weak.
    `lookers` names who looked, detector and sizes.
    """

    sample_id: str
    camera_id: str
    epoch: str
    seq: int
    at: float
    kind: PictureKind
    lookers: tuple[str, ...]
    lease_id: str
    leaks: tuple[LeakBox, ...] = ()
    on_covers: int = 0
    took_ms: float = 0.0
