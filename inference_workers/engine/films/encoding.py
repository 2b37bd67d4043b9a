"""The encoder of films. It takes redacted frames only, and gives the same bytes for the same frames."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av import VideoFrame
from av.container import OutputContainer
from av.video.stream import VideoStream

from inference_workers.engine.films.film import Film
from inference_workers.engine.redaction import RedactedFrame

# Segments are NUT: it keeps any time base exactly and holds no date.
SEGMENT_FORMAT = "nut"
MAX_TIME_SCALE = 2**31 - 1
FALLBACK_TIME_SCALE = 90_000
MAX_BEGIN_S = 60.0
# No B-frames: stamps of decoding and display are one. One thread: segments are encoded side by side.
X264 = {"preset": "superfast", "crf": "21", "bf": "0", "threads": "1", "x264-params": "repeat-headers=0"}
_UNKNOWN_COLOUR = 2
_BT709, _BT601 = 1, 5
_FULL_RANGE, _LIMITED_RANGE = 2, 1


def time_scale(film: Film) -> int:
    """Units per second of the result: those of the input where a film file can hold them."""
    scale = film.time_base[1]
    return scale if scale <= MAX_TIME_SCALE else FALLBACK_TIME_SCALE


def offset_pts(film: Film) -> int:
    """What is taken off all stamps: nothing, unless the film begins before zero or long after it."""
    begins_s = float(film.first_pts * film.seconds_per_pts)
    return 0 if 0 <= begins_s <= MAX_BEGIN_S else film.first_pts


def result_pts(film: Film, pts: int) -> int:
    """A time stamp of the film in units of the result; exact unless the time base is absurd."""
    return round((pts - offset_pts(film)) * film.seconds_per_pts * time_scale(film))


class FilmEncoder:
    """One segment being written; made by `film_encoder`."""

    def __init__(self, film: Film, container: OutputContainer, stream: VideoStream) -> None:
        self._film = film
        self._container = container
        self._stream = stream
        self._last = -1

    def add(self, redacted: RedactedFrame, pts: int) -> None:
        """Encode one frame at a time stamp of the film.

        Raises:
            TypeError: given anything but a RedactedFrame.
        """
        if not isinstance(redacted, RedactedFrame):
            raise TypeError(f"expected a RedactedFrame, got {type(redacted).__name__}")
        picture = VideoFrame.from_ndarray(np.ascontiguousarray(redacted.image), "bgr24")
        space, _, _, span = coded_colour(self._film)
        coded = picture.reformat(format=_pixel_format(self._film), dst_colorspace=space, dst_color_range=span)
        coded.pts = self._last = max(result_pts(self._film, pts), self._last + 1)
        coded.time_base = Fraction(1, time_scale(self._film))
        for packet in self._stream.encode(coded):
            self._container.mux(packet)

    def finish(self) -> None:
        for packet in self._stream.encode():
            self._container.mux(packet)


@contextmanager
def film_encoder(path: Path, film: Film) -> Iterator[FilmEncoder]:
    """Write one segment to `path`."""
    with av.open(str(path), "w", format=SEGMENT_FORMAT, options={"fflags": "+bitexact"}) as container:
        encoder = FilmEncoder(film, container, _video_stream(container, film))
        yield encoder
        encoder.finish()


def _video_stream(container: OutputContainer, film: Film) -> VideoStream:
    rate = Fraction(film.facts.fps).limit_denominator(1001)
    stream = container.add_stream("libx264", rate=rate, options=dict(X264))
    stream.width, stream.height, stream.pix_fmt = film.facts.width, film.facts.height, _pixel_format(film)
    stream.time_base = stream.codec_context.time_base = Fraction(1, time_scale(film))
    stream.gop_size = max(1, round(film.facts.fps * 10))
    context = stream.codec_context
    context.colorspace, context.color_primaries, context.color_trc, context.color_range = coded_colour(film)
    context.sample_aspect_ratio = Fraction(*film.pixel_ratio)
    return stream


def coded_colour(film: Film) -> tuple[int, int, int, int]:
    """Space, primaries, transfer and range of the result: the input's, with a guess where it says nothing."""
    space, primaries, transfer, span = film.colour
    if space not in (_BT709, _BT601, 6):
        space = _BT709 if film.facts.height >= 720 else _BT601
    return space, primaries, transfer, _FULL_RANGE if span == _FULL_RANGE else _LIMITED_RANGE


def _pixel_format(film: Film) -> str:
    """Halved colour wants even sides; an odd picture keeps its size in full colour instead."""
    odd = film.facts.width % 2 or film.facts.height % 2
    return "yuv444p" if odd else "yuv420p"
