"""Writes what the data plane reports about recorded segments; a message that comes twice changes nothing."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from apps.detections.results import Outcome, ResultBatch
from apps.recordings.models import OriginalKey, Segment
from inference_workers.contracts.codec import ContractError
from inference_workers.contracts.recording import RecordingMode, SegmentResult

MAX_SEGMENT_S = 120.0
MAX_FRAMES = 10_000
MAX_BYTES = 1 << 30
MAX_ENTRIES = 64
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SEGMENT_KEY = r"segments/{camera}/\d{{4}}-\d\d-\d\d/{segment}\.mp4"
_ORIGINAL_KEY = r"originals/{camera}/\d{{4}}-\d\d-\d\d/{segment}\.sealed"


def segment_apply(message: SegmentResult, batch: ResultBatch) -> Outcome:
    """Keep one segment; its id is its key."""
    camera_id = _uuid(message.camera_id, "camera_id")
    segment_id = _uuid(message.segment_id, "segment_id")
    values = _checked(message)
    if not batch.has_camera(camera_id):
        return Outcome.UNKNOWN
    if Segment.objects.filter(pk=segment_id).exists():
        return Outcome.REPEATED
    Segment.objects.create(pk=segment_id, camera_id=camera_id, **values, **_original(message, camera_id))
    return Outcome.APPLIED


def _checked(message: SegmentResult) -> dict[str, Any]:
    started_at, ended_at = _time(message.started_at), _time(message.ended_at)
    if not 0 <= message.ended_at - message.started_at <= MAX_SEGMENT_S:
        raise ContractError(f"ended_at: expected 0 to {MAX_SEGMENT_S} s after started_at")
    if message.reason is RecordingMode.OFF:
        raise ContractError("reason: expected events or continuous, got off")
    counts = {
        "number": (message.number, 0, 2**31 - 1),
        "frames": (message.frames, 1, MAX_FRAMES),
        "width": (message.width, 2, 16384),
        "height": (message.height, 2, 16384),
        "bytes": (message.bytes, 1, MAX_BYTES),
    }
    for name, (value, least, most) in counts.items():
        if not least <= value <= most:
            raise ContractError(f"{name}: expected {least} to {most}, got {value}")
    if len(message.epoch) > 36 or len(message.lease_id) > 36:
        raise ContractError("epoch, lease_id: expected at most 36 characters")
    return {
        "epoch": message.epoch,
        "started_at": started_at,
        "ended_at": ended_at,
        **{name: value for name, (value, _least, _most) in counts.items()},
        "sha256": _sha256(message.sha256, "sha256"),
        "object_key": _key(message.object_key, _SEGMENT_KEY, message),
        "lease_id": message.lease_id,
        "reason": message.reason.value,
        "redaction": _redaction(message),
        "served": _small(message.models),
        "track_ids": sorted(message.track_ids)[:MAX_ENTRIES],
    }


def _redaction(message: SegmentResult) -> dict[str, int]:
    """How many pictures are covered in which way; all of them are."""
    counts = {name[:16]: count for name, count in message.redaction.items()}
    if any(count < 0 for count in counts.values()) or sum(counts.values()) != message.frames:
        raise ContractError(f"redaction: expected counts that add up to {message.frames} frames")
    return counts


def _small(served: Mapping[str, str]) -> dict[str, str]:
    return {name[:40]: version[:64] for name, version in list(served.items())[:MAX_ENTRIES]}


def _original(message: SegmentResult, camera_id: UUID) -> dict[str, Any]:
    """The sealed original; one under a key that is not of this camera is no original of ours."""
    original = message.original
    if original is None:
        return {}
    key_id = _uuid(original.key_id, "original.key_id")
    key = OriginalKey.objects.filter(pk=key_id, camera_id=camera_id).first()
    if key is None:
        raise ContractError(f"original.key_id: expected a key of camera {camera_id}, got {key_id}")
    return {
        "original_key": _key(original.object_key, _ORIGINAL_KEY, message),
        "original_sha256": _sha256(original.sha256, "original.sha256"),
        "original_bytes": min(max(original.bytes, 0), 2**31 - 1),
        "sealed_under": key,
    }


def _key(key: str, pattern: str, message: SegmentResult) -> str:
    expected = pattern.format(camera=re.escape(message.camera_id), segment=re.escape(message.segment_id))
    if not re.fullmatch(expected, key):
        raise ContractError(f"object_key: expected a key of segment {message.segment_id}, got {key!r:.120}")
    return key


def _sha256(text: str, field: str) -> str:
    if not _SHA256.fullmatch(text):
        raise ContractError(f"{field}: expected 64 hexadecimal digits")
    return text


def _uuid(text: str, field: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise ContractError(f"{field}: expected a UUID, got {text!r:.60}") from error


def _time(seconds: float) -> datetime:
    if not 946_684_800 <= seconds <= 4_102_444_800:
        raise ContractError(f"expected POSIX seconds of 2000..2100, got {seconds}")
    return datetime.fromtimestamp(seconds, UTC)
