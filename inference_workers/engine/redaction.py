"""Redaction: the only place where a picture that may be shown is made.

Every sink takes a `RedactedFrame`, and only this module can construct one, so a raw picture has no way out
of the data plane. Whatever cannot be understood (a box of NaN, an inverted box, a mask that is no polygon)
ends in a mosaic of the whole frame, never in an exception and never in the raw picture.
"""

import logging
from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_workers.contracts.lease import RedactionPolicy, RedactionStyle
from inference_workers.engine.boxes import Boxes, clip_xyxy, grow_xyxy
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Frame, Image

Polygon = Sequence[tuple[float, float]]

TRACKS = "tracks"
MOSAIC = "mosaic"
IMAGE = "image"

# Blocks along the longer side of a whole-frame mosaic, and the blur over them: a face as high as the frame
# keeps seven smeared blocks.
FRAME_BLOCKS = 12
FRAME_BLUR_BLOCKS = 1.5
# A face never keeps more blocks than this, whatever the policy asks for.
MAX_FACE_BLOCKS = 8
MIN_GROW = 0.1
# The blur's sigma as a share of the longer side. Of 207 labelled faces YuNet (score 0.6, 1x) found 25 in
# a mosaic of 6 blocks without blur, 4 with 0.15, none with 0.25 or 0.35; at score 0.4 one is left with 0.35.
# An ellipse instead of the box left 3 with 0.25. Hence 0.35, in boxes, below the mosaic too.
BLUR_SHARE = 0.35
BLUR_WORK_PX = 16
# A tiny face is a blob of skin below hair already; blurred or in blocks it stays one, and is found again.
FLAT_BELOW_PX = 24.0
SOLID_BGR = (48, 48, 48)
MASK_BGR = (32, 32, 32)

_SEAL = object()
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RedactedFrame:
    """A picture in which people are covered.

    Only this module can construct it; elsewhere the constructor raises TypeError.

    Attributes:
        image: uint8, BGR, shape (height, width, 3), read-only.
        grabbed_at: POSIX seconds at the moment of capture (0 for an uploaded picture).
        redaction: `TRACKS` (faces were looked for and covered), `MOSAIC` (the whole frame is covered) or
            `IMAGE` (an uploaded picture, faces covered).
        covered_xyxy: the covered boxes in pixels, left, top, right, bottom.
    """

    image: Image
    camera_id: str
    epoch: str
    seq: int
    grabbed_at: float
    redaction: str
    covered_xyxy: tuple[tuple[int, int, int, int], ...]
    seal: InitVar[object] = field(kw_only=True)

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("RedactedFrame: only inference_workers.engine.redaction can make one")
        self.image.flags.writeable = False

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        return int(self.image.shape[0])


def redact(
    frame: Frame,
    face_boxes_xyxy: Boxes,
    policy: RedactionPolicy,
    masks: Sequence[Polygon] = (),
    person_boxes: Boxes | None = None,
) -> RedactedFrame:
    """Cover faces, persons and privacy masks of a camera's frame.

    Args:
        face_boxes_xyxy: (N, 4) pixels; faces or heads, before growing by `policy.grow`.
        masks: polygons with corners normalised to 0..1, painted solid.
        person_boxes: (M, 4) pixels; whole persons to cover, or None.

    Returns:
        a frame with redaction `TRACKS`, or `MOSAIC` when any box or mask makes no sense.
    """
    boxes = face_boxes_xyxy if person_boxes is None else _stack(face_boxes_xyxy, person_boxes)
    return _redact(frame, boxes, policy, masks, TRACKS)


def redact_image(image: Image, face_boxes_xyxy: Boxes, policy: RedactionPolicy) -> RedactedFrame:
    """Cover the faces (N, 4 pixels) of an uploaded picture; redaction `IMAGE`, or `MOSAIC`."""
    return _redact(_loose_frame(image), face_boxes_xyxy, policy, (), IMAGE)


def mosaic_frame(frame: Frame, masks: Sequence[Polygon] = ()) -> RedactedFrame:
    """Cover a whole frame with a mosaic too coarse for any face in it."""
    width, height = frame.width, frame.height
    covered = _coarse(frame.image)
    whole = ((0, 0, width, height),)
    polygons = _polygons_px(masks, width, height)
    _paint_masks(covered, polygons or [])
    return _seal(frame, covered, MOSAIC, whole)


def masked(frame: Frame, masks: Sequence[Polygon]) -> Image:
    """The picture with its privacy masks painted and nobody covered; for the sealing of originals alone.

    A mask that makes no sense darkens the whole picture.
    """
    image = frame.image.copy()
    polygons = _polygons_px(masks, frame.width, frame.height)
    if polygons is None:
        image[:] = MASK_BGR
    else:
        _paint_masks(image, polygons)
    return image


def mosaic_image(image: Image) -> RedactedFrame:
    """Cover a whole uploaded picture with a mosaic."""
    return mosaic_frame(_loose_frame(image))


def encode_jpeg(redacted: RedactedFrame, quality: int = 80, max_width: int | None = None) -> bytes:
    """Encode as JPEG, scaled down to `max_width` pixels when wider.

    Raises:
        TypeError: given anything but a RedactedFrame.
        EngineError: the encoder refused the picture.
    """
    if not isinstance(redacted, RedactedFrame):
        raise TypeError(f"encode_jpeg: expected a RedactedFrame, got {type(redacted).__name__}")
    image = redacted.image
    if max_width is not None and redacted.width > max_width:
        height = max(1, round(redacted.height * max_width / redacted.width))
        image = np.asarray(cv2.resize(image, (max_width, height), interpolation=cv2.INTER_AREA), np.uint8)
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise EngineError("encode_failed", f"JPEG: the encoder refused a picture of {image.shape}")
    return data.tobytes()


def _loose_frame(image: Image) -> Frame:
    return Frame(image=image, camera_id="", epoch="", seq=0, grabbed_at=0.0)


def _seal(
    frame: Frame, image: Image, redaction: str, covered: tuple[tuple[int, int, int, int], ...]
) -> RedactedFrame:
    return RedactedFrame(
        image, frame.camera_id, frame.epoch, frame.seq, frame.grabbed_at, redaction, covered, seal=_SEAL
    )


def _stack(first: Boxes, second: Boxes) -> Boxes:
    return np.concatenate(
        [np.asarray(first, np.float64).reshape(-1, 4), np.asarray(second, np.float64).reshape(-1, 4)]
    )


def _redact(
    frame: Frame,
    boxes_xyxy: Boxes,
    policy: RedactionPolicy,
    masks: Sequence[Polygon],
    redaction: str,
) -> RedactedFrame:
    size = (frame.width, frame.height)
    boxes = _sound_boxes(boxes_xyxy, *size)
    polygons = _polygons_px(masks, *size)
    if boxes is None or polygons is None:
        _log.warning("whole-frame mosaic: a box or mask made no sense, camera %s", frame.camera_id)
        return mosaic_frame(frame, masks)
    image = frame.image.copy()
    grown = _grown_px(boxes, policy.grow, *size)
    for face, cover in zip(boxes, grown, strict=True):
        _cover(image, cover, float(max(face[2] - face[0], face[3] - face[1])), policy)
    _paint_masks(image, polygons)
    return _seal(frame, image, redaction, tuple(grown))


def _sound_boxes(boxes_xyxy: Boxes, width: int, height: int) -> NDArray[np.float64] | None:
    """The boxes as float64 (N, 4), or None when one is not finite, inverted, empty or outside."""
    boxes = np.asarray(boxes_xyxy, np.float64)
    if boxes.size == 0:
        return np.zeros((0, 4))
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not np.isfinite(boxes).all():
        return None
    inside = clip_xyxy(boxes, width, height)
    if (boxes[:, 2:] <= boxes[:, :2]).any() or (inside[:, 2:] <= inside[:, :2]).any():
        return None
    return boxes


def _grown_px(
    boxes: NDArray[np.float64], grow: float, width: int, height: int
) -> list[tuple[int, int, int, int]]:
    """Whole pixels, grown outwards and clipped; an absurd `grow` counts as the least one."""
    share = max(grow, MIN_GROW) if np.isfinite(grow) else 1.0
    grown = clip_xyxy(grow_xyxy(boxes, share), width, height)
    outwards = np.concatenate([np.floor(grown[:, :2]), np.ceil(grown[:, 2:])], axis=1)
    return [(int(a), int(b), int(c), int(d)) for a, b, c, d in outwards]


def _cover(image: Image, cover: tuple[int, int, int, int], face_px: float, policy: RedactionPolicy) -> None:
    """Cover a box of the picture in place; `face_px` is the longer side of the face in it."""
    left, top, right, bottom = cover
    patch = image[top:bottom, left:right]
    if policy.style == RedactionStyle.SOLID:
        patch[:] = SOLID_BGR
        return
    if face_px < FLAT_BELOW_PX:
        patch[:] = np.rint(patch.reshape(-1, 3).mean(axis=0))
        return
    soft = _softened(patch, face_px)
    if policy.style == RedactionStyle.MOSAIC:
        blocks = min(max(policy.min_blocks, 1), MAX_FACE_BLOCKS)
        soft = _shrunk(soft, max(1.0, max(soft.shape[:2]) * face_px / max(patch.shape[:2]) / blocks))
    smooth = policy.style == RedactionStyle.BLUR
    patch[:] = _enlarged(soft, patch.shape[1], patch.shape[0], smooth=smooth)


def _shrunk(patch: Image, block_px: float) -> Image:
    """Average over blocks of at least `block_px`; averages, unlike samples, keep no detail."""
    height, width = patch.shape[:2]
    across = (max(1, int(width / block_px)), max(1, int(height / block_px)))
    return np.asarray(cv2.resize(patch, across, interpolation=cv2.INTER_AREA), np.uint8)


def _enlarged(small: Image, width: int, height: int, *, smooth: bool = False) -> Image:
    how = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(small, (width, height), interpolation=how), np.uint8)


def _softened(patch: Image, face_px: float) -> Image:
    """A small copy, a face of `BLUR_WORK_PX` at most, blurred with a sigma that follows the face's size."""
    height, width = patch.shape[:2]
    scale = min(1.0, BLUR_WORK_PX / max(face_px, 1.0))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # In float32: OpenCV's blur of 8-bit pixels takes 30 times longer with a kernel as large as the picture.
    small = cv2.resize(patch, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    sigma = max(1.0, face_px * scale * BLUR_SHARE)
    soft = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.rint(soft).astype(np.uint8)


def _coarse(image: Image) -> Image:
    height, width = image.shape[:2]
    step = max(1, min(width, height) // 180)  # blocks are averages of thousands of pixels: a part will do
    thin = np.ascontiguousarray(image[::step, ::step])
    small = _shrunk(thin, max(*thin.shape[:2], FRAME_BLOCKS) / FRAME_BLOCKS)
    soft = cv2.GaussianBlur(small, (0, 0), FRAME_BLUR_BLOCKS, borderType=cv2.BORDER_REPLICATE)
    return _enlarged(np.asarray(soft, np.uint8), width, height)


def _polygons_px(masks: Sequence[Polygon], width: int, height: int) -> list[NDArray[np.int32]] | None:
    """Masks in pixels, or None when one is no polygon of finite corners."""
    polygons = []
    for mask in masks:
        corners = np.asarray(mask, np.float64)
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
            return None
        if not np.isfinite(corners).all():
            return None
        polygons.append(np.rint(np.clip(corners, 0, 1) * (width, height)).astype(np.int32))
    return polygons


def _paint_masks(image: Image, polygons: Sequence[NDArray[np.int32]]) -> None:
    for polygon in polygons:
        cv2.fillPoly(image, [polygon], MASK_BGR)
