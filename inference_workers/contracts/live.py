"""The binary message of one live picture: 4 bytes big-endian header length, header JSON, JPEG.

The same bytes travel from the streams process over Redis to the web process and, unchanged, to the browser.
"""

import struct
from dataclasses import dataclass, field

from inference_workers.contracts.codec import ContractError, decode, encode

_LENGTH = struct.Struct(">I")
MAX_HEADER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class LiveBox:
    """A box to draw. `state`: "seen" in this frame, "interpolated" or "coasting".

    `attributes` are what classifiers said, to be written behind the label.
    """

    track_id: int
    label: str
    score: float
    box_xyxy: tuple[float, float, float, float]
    state: str = "seen"
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveHeader:
    """`redaction`: "tracks" (faces were looked for and covered) or "mosaic" (whole frame covered)."""

    camera_id: str
    epoch: str
    seq: int
    grabbed_at: float
    published_at: float
    width: int
    height: int
    fps: float
    redaction: str
    boxes: tuple[LiveBox, ...] = ()
    models: dict[str, str] = field(default_factory=dict)


def pack(header: LiveHeader, jpeg: bytes) -> bytes:
    text = encode(header).encode()
    return _LENGTH.pack(len(text)) + text + jpeg


def unpack(message: bytes) -> tuple[LiveHeader, bytes]:
    """Raises ContractError when the message is cut or no live picture."""
    if len(message) < _LENGTH.size:
        raise ContractError(f"live picture: expected a header, got {len(message)} bytes")
    (size,) = _LENGTH.unpack_from(message)
    end = _LENGTH.size + size
    if size > MAX_HEADER_BYTES or end > len(message):
        raise ContractError(f"live picture: header of {size} bytes in a message of {len(message)}")
    return decode(LiveHeader, message[_LENGTH.size : end]), message[end:]
