"""Unmasking: the worker opens a sealed original for one grant and writes it again, watermarked and sealed.

The control plane gives the key of that one original and of no other. What is written is sealed with a key of
the grant, which lives as long as the grant does.
"""

from dataclasses import dataclass

from inference_workers.contracts.lease import RedactionPolicy

TASK_REVEAL = "gpu.reveal"


@dataclass(frozen=True, slots=True)
class RevealSegment:
    """The message of task `gpu.reveal`: one sealed original, and the part of it that is granted.

    `sealed_keys` is a Fernet token (key: `VIDETTE_LEASE_KEY`) of the JSON `{"content": …, "output": …}`, both
    32 bytes in base64. Pictures from `since` to `until` (POSIX seconds) are shown; with `track_id` everybody
    but that track stays covered, as `redaction` says. `watermark` is drawn into every picture.
    """

    part_id: str
    attempt: int
    segment_id: str
    camera_id: str
    key_id: str
    input_key: str
    input_sha256: str
    output_key: str
    sealed_keys: str
    since: float
    until: float
    watermark: str
    redaction: RedactionPolicy
    deadline_at: float
    track_id: int | None = None


@dataclass(frozen=True, slots=True)
class RevealReply:
    """What became of one part; `error_code` is None when it lies at `output_key`."""

    part_id: str
    attempt: int
    frames: int = 0
    output_sha256: str = ""
    error_code: str | None = None
    error: str | None = None


def reveal_key(grant_id: str, part_id: str) -> str:
    """Object key of one watermarked, sealed part."""
    return f"reveals/{grant_id}/{part_id}.sealed"
