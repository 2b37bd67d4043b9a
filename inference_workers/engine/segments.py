"""Redacted pictures into short files: fragmented MP4 with H.264, which every browser plays.

Only `prepare` makes what the encoder takes, and it takes nothing but a `RedactedFrame`.
"""

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace

from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Image
from inference_workers.engine.redaction import RedactedFrame

TIME_BASE = Fraction(1, 1000)
# A pause longer than this within a file would be shown as a still: the recorder begins a new file instead.
_KEYFRAMES_S = 10
_OPTIONS = {"preset": "ultrafast", "tune": "zerolatency", "crf": "27"}
_MOVFLAGS = "frag_keyframe+empty_moov+default_base_moof"


@dataclass(frozen=True, slots=True)
class Picture:
    """A redacted picture in the size and the colours of the encoder (av.VideoFrame, yuv420p, BT.601)."""

    frame: Any
    at: float
    redaction: str

    @property
    def size(self) -> tuple[int, int]:
        return self.frame.width, self.frame.height


def even_size(width: int, height: int, max_width: int) -> tuple[int, int]:
    """At most `max_width` wide, same shape, both sides even as the encoder wants them."""
    scale = min(1.0, max_width / width)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def prepare(redacted: RedactedFrame, max_width: int) -> Picture:
    """Make a redacted picture ready for the encoder.

    Raises:
        TypeError: it is no RedactedFrame.
    """
    if not isinstance(redacted, RedactedFrame):
        raise TypeError(f"prepare: expected a RedactedFrame, got {type(redacted).__name__}")
    width, height = even_size(redacted.width, redacted.height, max_width)
    return Picture(video_frame(redacted.image, (width, height)), redacted.grabbed_at, redacted.redaction)


def video_frame(image: Image, size: tuple[int, int]) -> Any:
    """A BGR picture in another size as av.VideoFrame; OpenCV takes a third of swscale's time for it."""
    if size != (image.shape[1], image.shape[0]):
        how = cv2.INTER_AREA if image.shape[1] > 2 * size[0] else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)
    planes = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), np.uint8)
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


class VideoWriter:
    """One file in memory. Frames come in order of time; `close` gives the bytes.

    Args:
        size: width and height in pixels, even.
        fps: what the frames come at, roughly; each keeps its own time in milliseconds.
        crf: x264's constant rate factor; lower is finer.
    """

    def __init__(self, size: tuple[int, int], fps: float, *, crf: int | None = None) -> None:
        self._buffer = io.BytesIO()
        self._file = av.open(self._buffer, "w", format="mp4", options={"movflags": _MOVFLAGS})
        rate = Fraction(max(fps, 0.1)).limit_denominator(1000)
        stream = self._file.add_stream("libx264", rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = TIME_BASE
        stream.codec_context.gop_size = max(1, round(fps * _KEYFRAMES_S))
        stream.codec_context.thread_count = 1
        stream.codec_context.colorspace = Colorspace.ITU601
        stream.codec_context.color_range = ColorRange.MPEG
        stream.options = {**_OPTIONS, **({"crf": str(crf)} if crf is not None else {})}
        self._stream = stream
        self._first_at: float | None = None
        self._last_pts = -1

    def add(self, frame: Any, at: float) -> None:
        """Encode one frame captured at `at`. Raises EngineError `encode_failed`."""
        self._first_at = at if self._first_at is None else self._first_at
        pts = max(self._last_pts + 1, round((at - self._first_at) * 1000))
        self._last_pts = frame.pts = pts
        frame.time_base = TIME_BASE
        self._mux(frame)

    def close(self) -> bytes:
        """Finish the file. Raises EngineError `encode_failed`."""
        self._mux(None)
        try:
            self._file.close()
        except FFmpegError as error:
            raise _failed(error) from error
        return self._buffer.getvalue()

    def _mux(self, frame: Any) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._file.mux(packet)
        except (FFmpegError, ValueError) as error:
            raise _failed(error) from error


def _failed(error: Exception) -> EngineError:
    return EngineError("encode_failed", f"video: the encoder refused: {type(error).__name__}")
