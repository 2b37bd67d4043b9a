"""Originals of recorded segments, for classes that keep them: encoded in memory, sealed, and only then out.

Privacy masks are painted before: what must never be seen is not in an original either. Beside the video lies
a sidecar with the covers and tracks of each picture, so that unmasking one track leaves the others covered.
"""

import hashlib
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from inference_workers.contracts.recording import (
    SealedOriginal,
    SealKey,
    SegmentResult,
    original_key,
    seal_context,
)
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Frame
from inference_workers.engine.recorder import Scene
from inference_workers.engine.redaction import RedactedFrame, masked
from inference_workers.engine.sealing import seal
from inference_workers.engine.segments import VideoWriter, even_size, video_frame

MAX_WIDTH = 1280
CRF = 23
_LENGTH = struct.Struct(">I")
MAX_SIDECAR_BYTES = 8 * 2**20

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class KeptOriginal:
    """One picture that waits to be sealed. Never leaves this process but sealed."""

    frame: Any
    at: float
    redaction: str
    covered_xyxy: tuple[Box, ...]
    boxes: Mapping[int, Box]


class OriginalKeeper:
    """The recorder's side for originals (`recorder.Originals`). Holds no state."""

    def keep(self, frame: Frame, redacted: RedactedFrame, scene: Scene) -> KeptOriginal:
        size = even_size(frame.width, frame.height, MAX_WIDTH)
        picture = video_frame(masked(frame, scene.masks), size)
        share = (frame.width, frame.height, frame.width, frame.height)
        covers = tuple(_shares(cover, share) for cover in redacted.covered_xyxy)
        return KeptOriginal(picture, frame.grabbed_at, redacted.redaction, covers, dict(scene.boxes))

    def seal(
        self, kept: Iterable[object], key: SealKey, result: SegmentResult
    ) -> tuple[SegmentResult, bytes]:
        """The result that names the sealed original, and its bytes."""
        pictures = [item for item in kept if isinstance(item, KeptOriginal)]
        plain = _packed(pictures, result)
        context = seal_context(key.key_id, result.camera_id, result.segment_id)
        blob = seal(plain, key.public_key, context)
        day = datetime.fromtimestamp(result.started_at, UTC).strftime("%Y-%m-%d")
        original = SealedOriginal(
            object_key=original_key(result.camera_id, day, result.segment_id),
            sha256=hashlib.sha256(blob).hexdigest(),
            bytes=len(blob),
            key_id=key.key_id,
        )
        return replace(result, original=original), blob


def _shares(cover: tuple[int, int, int, int], share: tuple[int, int, int, int]) -> Box:
    left, top, right, bottom = (round(side / of, 5) for side, of in zip(cover, share, strict=True))
    return left, top, right, bottom


def _packed(pictures: list[KeptOriginal], result: SegmentResult) -> bytes:
    first = pictures[0]
    writer = VideoWriter((first.frame.width, first.frame.height), fps=5.0, crf=CRF)
    for picture in pictures:
        writer.add(picture.frame, picture.at)
    sidecar = {
        "segment_id": result.segment_id,
        "redacted_sha256": result.sha256,
        "pictures": [
            {
                "at": picture.at,
                "redaction": picture.redaction,
                "covered_xyxy": picture.covered_xyxy,
                "boxes": {str(track): box for track, box in picture.boxes.items()},
            }
            for picture in pictures
        ],
    }
    text = json.dumps(sidecar, separators=(",", ":"), allow_nan=False).encode()
    return _LENGTH.pack(len(text)) + text + writer.close()


def unpacked(plain: bytes) -> tuple[dict[str, Any], bytes]:
    """Sidecar and video of an opened original. Raises EngineError `sealed_format`."""
    try:
        (length,) = _LENGTH.unpack_from(plain)
        if length > MAX_SIDECAR_BYTES:
            raise ValueError("sidecar too long")
        sidecar = json.loads(plain[_LENGTH.size : _LENGTH.size + length])
    except (struct.error, ValueError) as error:
        raise EngineError("sealed_format", "the opened original has no sidecar") from error
    if not isinstance(sidecar, dict) or not isinstance(sidecar.get("pictures"), list):
        raise EngineError("sealed_format", "the sidecar of the opened original has another form")
    return sidecar, plain[_LENGTH.size + length :]
