"""One sealed original, opened for a grant: cut to its time, watermarked, sealed with the grant's own key."""

import base64
import binascii
import hashlib
import io
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from inference_workers.contracts.recording import seal_context
from inference_workers.contracts.reveals import RevealReply, RevealSegment
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Frame, Image
from inference_workers.engine.originals import CRF, unpacked
from inference_workers.engine.redaction import MOSAIC, mosaic_image, redact
from inference_workers.engine.sealing import unseal
from inference_workers.engine.segments import VideoWriter, video_frame
from inference_workers.engine.watermarks import Watermark
from inference_workers.objects import Objects
from inference_workers.tasks.counters import Counters

logger = logging.getLogger(__name__)

MAX_INPUT_BYTES = 128 * 1024 * 1024
MAX_FRAMES = 5_000
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class RevealMaker:
    """Safe in several threads; keeps nothing."""

    objects: Objects
    lease_key: str
    counters: Counters
    clock: Callable[[], float] = time.time

    def reveal(self, work: RevealSegment) -> RevealReply:
        """Always an answer; what went wrong is in `error_code` and, in words, in `error`."""
        try:
            reply = self._reveal(work)
            self.counters.add("reveals")
        except EngineError as error:
            reply = self._failed(work, error.code, str(error))
        except Exception as error:  # edge of the worker: whoever waits is told, whatever happened
            logger.exception("an original could not be shown")
            reply = self._failed(work, "reveal_failed", f"unmasking broke with {type(error).__name__}")
        return reply

    def _failed(self, work: RevealSegment, code: str, message: str) -> RevealReply:
        self.counters.error(code)
        return RevealReply(work.part_id, work.attempt, error_code=code, error=message)

    def _reveal(self, work: RevealSegment) -> RevealReply:
        if self.clock() > work.deadline_at:
            raise EngineError("deadline_passed", "the grant was over before its turn came")
        content_key, output_key = self._keys(work)
        blob = self.objects.get(work.input_key, MAX_INPUT_BYTES)
        if hashlib.sha256(blob).hexdigest() != work.input_sha256:
            raise EngineError("original_changed", "the sealed original is not the one that was recorded")
        context = seal_context(work.key_id, work.camera_id, work.segment_id)
        sidecar, video = unpacked(unseal(blob, content_key, context))
        frames, shown = _shown(work, sidecar["pictures"], video)
        if not frames:
            raise EngineError("nothing_granted", "no picture of this part lies in the granted time")
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + AESGCM(output_key).encrypt(nonce, shown, work.part_id.encode())
        self.objects.put(work.output_key, sealed)
        return RevealReply(work.part_id, work.attempt, frames, hashlib.sha256(sealed).hexdigest())

    def _keys(self, work: RevealSegment) -> tuple[bytes, bytes]:
        try:
            opened = json.loads(Fernet(self.lease_key).decrypt(work.sealed_keys.encode()))
            keys = [base64.b64decode(opened[name], validate=True) for name in ("content", "output")]
        except (InvalidToken, ValueError, KeyError, TypeError, binascii.Error) as error:
            raise EngineError(
                "keys_unreadable",
                "the keys of this grant cannot be opened; an administrator can check that VIDETTE_LEASE_KEY "
                "is the same on both planes",
            ) from error
        if any(len(key) != 32 for key in keys):
            raise EngineError("keys_unreadable", "the keys of this grant have another length")
        return keys[0], keys[1]


def _shown(work: RevealSegment, pictures: list[Any], video: bytes) -> tuple[int, bytes]:
    """How many pictures are shown, and the watermarked video of them."""
    writer: VideoWriter | None = None
    watermark: Watermark | None = None
    count = 0
    for picture, image in zip(pictures, _decoded(video), strict=False):
        at = float(picture["at"])
        if not work.since <= at <= work.until:
            continue
        if writer is None or watermark is None:
            height, width = image.shape[:2]
            writer = VideoWriter((width, height), fps=5.0, crf=CRF)
            watermark = Watermark(work.watermark, width, height)
        marked = watermark.draw(_uncovered(work, picture, image))
        writer.add(video_frame(marked, (marked.shape[1], marked.shape[0])), at)
        count += 1
    return count, writer.close() if writer is not None else b""


def _decoded(video: bytes) -> Iterator[Image]:
    try:
        with av.open(io.BytesIO(video), "r", format="mp4") as file:
            for number, frame in enumerate(file.decode(video=0)):
                if number >= MAX_FRAMES:
                    return
                yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    except FFmpegError as error:
        raise EngineError("original_unreadable", "the opened original cannot be decoded") from error


def _uncovered(work: RevealSegment, picture: dict[str, Any], image: Image) -> Image:
    """The picture with nobody covered, or with everybody but the granted track.

    Where faces were not looked for, nobody knows whose they are: a grant for one track shows a mosaic then.
    """
    if work.track_id is None:
        return image
    if picture["redaction"] == MOSAIC:
        return mosaic_image(image).image
    height, width = image.shape[:2]
    scale = np.array([width, height, width, height], np.float64)
    granted = _granted_cover(picture, str(work.track_id))
    others = [cover for cover in picture["covered_xyxy"] if cover != granted]
    boxes = np.asarray(others, np.float64).reshape(-1, 4) * scale
    frame = Frame(image, work.camera_id, "", 0, float(picture["at"]))
    return redact(frame, boxes, work.redaction).image


def _granted_cover(picture: dict[str, Any], track: str) -> list[float] | None:
    """The one cover that belongs to the track; None when it is not there or cannot be told from others'.

    It lies in the track's box and in nobody else's; of several the one nearest to where a head is.
    """
    box = picture["boxes"].get(track)
    if box is None:
        return None
    foreign = [other for name, other in picture["boxes"].items() if name != track]
    own = [
        cover
        for cover in picture["covered_xyxy"]
        if _within(cover, box) and not any(_within(cover, other) for other in foreign)
    ]
    head = ((box[0] + box[2]) / 2, box[1] + 0.15 * (box[3] - box[1]))
    return min(own, key=lambda cover: _distance(cover, head), default=None)


def _distance(cover: list[float], point: tuple[float, float]) -> float:
    return float(np.hypot((cover[0] + cover[2]) / 2 - point[0], (cover[1] + cover[3]) / 2 - point[1]))


def _within(cover: list[float], box: list[float]) -> bool:
    """Does the middle of the cover lie in the box?"""
    x, y = (cover[0] + cover[2]) / 2, (cover[1] + cover[3]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]
