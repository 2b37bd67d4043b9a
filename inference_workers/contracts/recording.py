"""Recording: what the lease allows to be kept as video, and what the data plane reports about each segment.

A segment is a few seconds of one camera's redacted pictures in a file of its own (fragmented MP4, H.264).
Where a retention class says so, the original of the same seconds is kept as well, sealed with a public key:
the data plane can close it and nobody there can open it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RecordingMode(StrEnum):
    OFF = "off"
    EVENTS = "events"
    CONTINUOUS = "continuous"


@dataclass(frozen=True, slots=True)
class SealKey:
    """The public half of the key of one camera and day; X25519, 32 bytes in base64."""

    key_id: str
    public_key: str


@dataclass(frozen=True, slots=True)
class RecordingPolicy:
    """What of a camera is recorded.

    `pre_s` and `post_s` are kept before and after what happens (mode EVENTS). `seal` is set where originals
    are kept too; without it no original is ever encoded.
    """

    mode: RecordingMode = RecordingMode.OFF
    fps: float = 5.0
    max_width: int = 960
    segment_s: float = 10.0
    pre_s: float = 2.0
    post_s: float = 3.0
    seal: SealKey | None = None


@dataclass(frozen=True, slots=True)
class SealedOriginal:
    """The sealed original of a segment. `sha256` is of the sealed bytes as they lie in the object store."""

    object_key: str
    sha256: str
    bytes: int
    key_id: str


@dataclass(frozen=True, slots=True)
class SegmentResult:
    """One recorded segment, sent when its file lies in the object store. Key: `segment_id` (deterministic).

    Times are POSIX seconds of the first and last picture. `redaction` counts pictures by how they are
    covered ("tracks", "mosaic"), `models` maps stage to model version id, `track_ids` are the tracks in view.
    """

    segment_id: str
    camera_id: str
    epoch: str
    number: int
    started_at: float
    ended_at: float
    frames: int
    width: int
    height: int
    bytes: int
    sha256: str
    object_key: str
    lease_id: str
    reason: RecordingMode
    redaction: Mapping[str, int] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    track_ids: tuple[int, ...] = ()
    original: SealedOriginal | None = None


def segment_key(camera_id: str, day: str, name: str) -> str:
    """Object key of a redacted segment; `day` is YYYY-MM-DD in UTC."""
    return f"segments/{camera_id}/{day}/{name}.mp4"


def original_key(camera_id: str, day: str, name: str) -> str:
    """Object key of a sealed original."""
    return f"originals/{camera_id}/{day}/{name}.sealed"


# A sealed original: magic, ephemeral X25519 public key (32 bytes), nonce (12 bytes), AES-256-GCM with tag.
# The content key is HKDF-SHA256 over the shared secret, salted with both public keys. Inside: four bytes
# big-endian length of the sidecar, the sidecar (JSON), the video (fragmented MP4).
SEAL_MAGIC = b"VDS1"
SEAL_PUBLIC_BYTES = 32
SEAL_NONCE_BYTES = 12
SEAL_HEADER_BYTES = len(SEAL_MAGIC) + SEAL_PUBLIC_BYTES + SEAL_NONCE_BYTES
SEAL_INFO = b"vidette sealed original 1 "


def seal_context(key_id: str, camera_id: str, segment_id: str) -> bytes:
    """What a sealed original is bound to: moved to another segment or camera it does not open."""
    return f"{key_id}/{camera_id}/{segment_id}".encode()
