"""The lease: what the control plane allows the data plane to do with one camera, and until when.

Times are POSIX seconds (UTC) as float. Polygons and boxes are normalised to 0..1 of the picture, x to the
right and y down, so that they survive a change of the stream's resolution.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from inference_workers.contracts.codec import ContractError
from inference_workers.contracts.recording import RecordingPolicy

# A cascade never looks at these: what names a face tells who somebody is.
FACE_LABELS = frozenset({"face", "masked face", "head"})
MAX_CASCADES = 8
MIN_EVERY_S = 1.0
MAX_EVERY_S = 600.0


class SourceKind(StrEnum):
    RTSP = "rtsp"
    MJPEG = "mjpeg"
    HLS = "hls"
    FILE = "file"
    USB = "usb"
    SYNTHETIC = "synthetic"


class Stage(StrEnum):
    """What may be done with a frame. `VIEW` allows the redacted live picture.

    `TEXT_BOXES` finds where text is, to cover it, and reads nothing; `TEXT` reads. `CLASSIFY` names more
    closely what `DETECT` found, on its crops (`Cascade`); who a person is, it must not tell.
    """

    VIEW = "view"
    MOTION = "motion"
    DETECT = "detect"
    FACES = "faces"
    TEXT = "text"
    TEXT_BOXES = "text_boxes"
    CLASSIFY = "classify"


class ZoneKind(StrEnum):
    """`COVER` does nothing but cover more than the camera does (`Zone.targets`); any kind may do that.

    `NO_TEXT` comes from the register of purposes alone: lines whose middle lies in it are not read.
    """

    WATCH = "watch"
    IGNORE = "ignore"
    READ_TEXT = "read_text"
    PRIVACY_MASK = "privacy_mask"
    COVER = "cover"
    NO_TEXT = "no_text"


class Target(StrEnum):
    """What is covered. `HEAD` is estimated from a person, for faces that are turned or missed."""

    FACE = "face"
    HEAD = "head"
    PERSON = "person"
    TEXT = "text"


class Script(StrEnum):
    """Writing system to read; chosen per camera or zone, never guessed from a score (MODELS §5)."""

    LATIN = "latin"
    CHINESE = "chinese"
    CYRILLIC = "cyrillic"
    ARABIC = "arabic"
    HEBREW = "hebrew"
    DEVANAGARI = "devanagari"


class RedactionStyle(StrEnum):
    MOSAIC = "mosaic"
    BLUR = "blur"
    SOLID = "solid"


@dataclass(frozen=True, slots=True)
class Source:
    """Where pictures come from.

    `url` never holds credentials. `sealed_credentials` is a Fernet token (key: `VIDETTE_LEASE_KEY`) of the
    JSON `{"username": …, "password": …}`. `allowed_networks` are CIDR strings; an address outside of the
    public internet is refused unless one of them contains it. `address` for FILE is a path below a media
    root that the data plane knows, for USB a device node, for SYNTHETIC a pattern name.
    """

    kind: SourceKind
    url: str
    sealed_credentials: str | None = None
    transport: str = "tcp"
    loop: bool = True
    realtime: bool = True
    allowed_networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelRef:
    """One model version. `name` is its directory entry, `sha256` what its bytes must hash to."""

    version_id: str
    name: str
    family: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Zone:
    """`targets` are covered inside the polygon in addition to the camera's; a zone never uncovers.

    `detector` looks at the zone with its surroundings in place of the version that serves the whole camera:
    what stands in the zone is what this one found. Persons to cover are what either of them found.
    """

    zone_id: str
    name: str
    kind: ZoneKind
    polygon: tuple[tuple[float, float], ...]
    script: Script | None = None
    targets: tuple[str, ...] = ()
    detector: ModelRef | None = None


@dataclass(frozen=True, slots=True)
class Cascade:
    """What the detector found goes on to another model: the crops of some of its classes.

    `stage` CLASSIFY: `model` names each crop, and `name` is what its answer is called ("colour"). TEXT: the
    text of these crops is read, by the version that reads, and then nowhere else in the picture. `zone_id`:
    only what stands in this zone. A thing is looked at again after `every_s` at the earliest, or when it
    has come clearly nearer.
    """

    cascade_id: str
    stage: Stage
    labels: tuple[str, ...]
    name: str = ""
    model: ModelRef | None = None
    zone_id: str | None = None
    script: Script | None = None
    every_s: float = 5.0

    def __post_init__(self) -> None:
        if self.stage not in (Stage.CLASSIFY, Stage.TEXT):
            raise ContractError(f"Cascade.stage: expected classify or text, got {self.stage}")
        if (self.stage is Stage.CLASSIFY) != (self.model is not None):
            raise ContractError(f"Cascade.model: expected one for classify only, got {self.model}")
        if not self.labels or set(self.labels) & FACE_LABELS:
            raise ContractError(f"Cascade.labels: expected classes, faces never, got {self.labels}")
        if not MIN_EVERY_S <= self.every_s <= MAX_EVERY_S:
            raise ContractError(
                f"Cascade.every_s: expected {MIN_EVERY_S} to {MAX_EVERY_S}, got {self.every_s}"
            )


@dataclass(frozen=True, slots=True)
class RedactionPolicy:
    """How people are covered before a picture leaves the data plane.

    `targets`: values of `Target`; one that the data plane does not know covers everything. `min_blocks`
    bounds a mosaic: a face is never shown with more than this many blocks across. `grow` is the share by
    which a box is grown on every side. `display_delay_s` is how far the display runs behind the camera, so
    that a face also covers the frames before its first detection. `second_looks_per_h` is how many of the
    redacted pictures that leave are looked at again, by another detector, per hour.
    """

    targets: tuple[str, ...] = ("face",)
    style: RedactionStyle = RedactionStyle.MOSAIC
    min_blocks: int = 6
    grow: float = 0.25
    display_delay_s: float = 0.9
    second_looks_per_h: int = 30


@dataclass(frozen=True, slots=True)
class Lease:
    """Permission for one camera. After `valid_until` the data plane stops looking.

    `models` names by stage the version that serves; while the data plane still loads it, the one before it
    goes on. `shadows` names by stage a version that sees the same frames as time allows: it is measured and
    never published. What versions do is reported in windows of `window_s` (`contracts.comparison`).
    `basis` names the entries of the register of purposes that it stands on, as "id@version". `cascades` of
    a stage that is not allowed do nothing.
    """

    lease_id: str
    camera_id: str
    camera_name: str
    time_zone: str
    issued_at: float
    valid_until: float
    revision: int
    source: Source
    stages: tuple[Stage, ...]
    zones: tuple[Zone, ...] = ()
    models: Mapping[str, ModelRef] = field(default_factory=dict)
    redaction: RedactionPolicy = field(default_factory=RedactionPolicy)
    script: Script = Script.LATIN
    analysis_fps: float = 5.0
    display_fps: float = 10.0
    retention_class: str = "standard"
    recording: RecordingPolicy = field(default_factory=RecordingPolicy)
    basis: tuple[str, ...] = ()
    shadows: Mapping[str, ModelRef] = field(default_factory=dict)
    window_s: float = 5.0
    cascades: tuple[Cascade, ...] = ()

    def __post_init__(self) -> None:
        if len(self.cascades) > MAX_CASCADES:
            raise ContractError(f"Lease.cascades: expected at most {MAX_CASCADES}, got {len(self.cascades)}")

    def allows(self, stage: Stage) -> bool:
        return stage in self.stages

    def reads_crops(self) -> bool:
        """Is text read on what the detector found, and not in the picture or its zones?"""
        return any(cascade.stage is Stage.TEXT for cascade in self.cascades)
