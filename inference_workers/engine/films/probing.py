"""What a file is, and how it is cut into segments: by its packets, with one frame decoded."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from av import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from inference_workers.contracts.redactions import FilmFacts
from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.film import AFTER_ALL, BEFORE_ALL, Film, Segment
from inference_workers.engine.films.local import is_picture
from inference_workers.engine.films.opening import FFMPEG_ERRORS, OpenFilm, open_film
from inference_workers.engine.pictures import decode_picture

MAX_PICTURE_BYTES = 64 * 1024 * 1024
MAX_PACKETS = 20_000_000
MIN_SIDE_PX = 16
SEGMENT_S = 10.0
SEGMENT_PIXELS = 1_200_000_000
MIN_SEGMENT_S = 1.0
# A short film is cut too, so that several cores have something to do.
MIN_SEGMENTS = 4
# A cut moves by at most this share of a segment to fall on a key frame, where decoding can begin.
SNAP_SHARE = 0.3

BY_DECODING = frozenset({"avi"})

Stamps = NDArray[np.int64]


def probe(path: Path) -> Film:
    """Read what a file is.

    Raises:
        EngineError: `file_empty`, `file_unsupported`, `no_video`, `picture_too_large`, `picture_too_small`,
            `no_frames`, and those of `decode_picture`.
    """
    if path.stat().st_size and is_picture(path):
        return _probe_picture(path)
    with open_film(path) as opened:
        first = _first_frame(opened)
    with open_film(path) as opened:
        stamps, keys = _stamps(opened)
        return _film(path, opened, first, stamps, keys)


def _probe_picture(path: Path) -> Film:
    size = path.stat().st_size
    if size > MAX_PICTURE_BYTES:
        raise EngineError("picture_too_large", f"expected at most {MAX_PICTURE_BYTES} bytes, got {size}")
    image = decode_picture(path.read_bytes())
    facts = FilmFacts(
        media="image", container="picture", codec="picture", width=image.shape[1], height=image.shape[0],
        rotation_deg=0, frames=1, duration_s=0.0, fps=1.0, audio=(), segment_frames=(1,),
        result_suffix=".jpg", size_bytes=size,
    )  # fmt: skip
    return Film(facts, (1, 1), 0, 0.0, (Segment(BEFORE_ALL, AFTER_ALL, 1),))


def _first_frame(opened: OpenFilm) -> VideoFrame:
    """The first frame that can be decoded: it has the real size and the rotation."""
    try:
        for packet in opened.container.demux(opened.stream):
            try:
                pictures = packet.decode()
            except FFMPEG_ERRORS:
                continue
            for picture in pictures:
                if isinstance(picture, VideoFrame):
                    return picture
    except FFMPEG_ERRORS:
        pass  # the end of what can be read: said below
    raise EngineError("no_frames", "the file holds a video stream, but no frame of it can be decoded")


def _stamps(opened: OpenFilm) -> tuple[Stamps, Stamps]:
    """Time stamps of all packets and of the key frames, each sorted; nothing is decoded."""
    by_decoding = _container(opened) in BY_DECODING
    stamps: list[int] = []
    keys: list[int] = []
    try:
        for packet in opened.container.demux(opened.stream):
            pts = packet.dts if packet.pts is None or by_decoding else packet.pts
            if pts is None or not packet.size:
                continue
            stamps.append(pts)
            if packet.is_keyframe:
                keys.append(pts)
            if len(stamps) > MAX_PACKETS:
                raise EngineError("film_too_long", f"expected at most {MAX_PACKETS} frames")
    except FFMPEG_ERRORS:
        pass  # cut off: what is there counts, and the report says where it ends
    if not stamps:
        raise EngineError("no_frames", "the file holds a video stream without frames")
    return np.unique(np.array(stamps, np.int64)), np.unique(np.array(keys, np.int64))


def _film(path: Path, opened: OpenFilm, first: VideoFrame, stamps: Stamps, keys: Stamps) -> Film:
    stream = opened.stream
    time_base = Fraction(stream.time_base or Fraction(1, 90_000))
    if min(first.width, first.height) < MIN_SIDE_PX:
        raise EngineError(
            "picture_too_small", f"expected {MIN_SIDE_PX} pixels per side, got {first.width}x{first.height}"
        )
    fps = _fps(stream, stamps, time_base)
    segments = plan_segments(stamps, keys, time_base, first.width * first.height * fps)
    length_s = float((stamps[-1] - stamps[0]) * time_base) + 1 / fps
    facts = FilmFacts(
        media="video",
        container=_container(opened),
        codec=stream.codec_context.name,
        width=first.width,
        height=first.height,
        rotation_deg=-first.rotation % 360,
        frames=len(stamps),
        duration_s=round(length_s, 3),
        fps=round(fps, 3),
        audio=tuple(found.codec_context.name for found in opened.container.streams.audio),
        segment_frames=tuple(segment.frames for segment in segments),
        result_suffix=".mp4",
        size_bytes=path.stat().st_size,
    )
    return Film(
        facts,
        (time_base.numerator, time_base.denominator),
        int(stamps[0]),
        _announced_s(opened, stream, time_base),
        segments,
        _pixel_ratio(stream),
        (int(first.colorspace), int(first.color_primaries), int(first.color_trc), int(first.color_range)),
        _container(opened) in BY_DECODING,
    )


def _container(opened: OpenFilm) -> str:
    return str(opened.container.format.name.partition(",")[0])


def _fps(stream: VideoStream, stamps: Stamps, time_base: Fraction) -> float:
    """Frames per second as they lie in the file; headers lie."""
    if len(stamps) > 1:
        found = float((len(stamps) - 1) / ((int(stamps[-1]) - int(stamps[0])) * time_base))
    else:
        found = float(stream.average_rate or stream.guessed_rate or 25)
    return found if 0.01 <= found <= 1000 else 25.0


def _announced_s(opened: OpenFilm, stream: VideoStream, time_base: Fraction) -> float:
    if stream.duration:
        return float(stream.duration * time_base)
    if stream.frames and stream.average_rate:
        return float(stream.frames / stream.average_rate)
    return (opened.container.duration or 0) / 1_000_000


def _pixel_ratio(stream: VideoStream) -> tuple[int, int]:
    ratio = Fraction(stream.sample_aspect_ratio or 1)
    if not Fraction(1, 10) < ratio < 10:
        return 1, 1
    return ratio.numerator, ratio.denominator


def plan_segments(
    stamps: Stamps, keys: Stamps, time_base: Fraction, pixels_per_s: float
) -> tuple[Segment, ...]:
    """Cut a film into pieces of about ten seconds, shorter ones where the pictures are large.

    Args:
        stamps, keys: sorted time stamps of all frames and of the key frames.
        pixels_per_s: frames per second times pixels of a frame.
    """
    length_s = float((stamps[-1] - stamps[0]) * time_base)
    wanted_s = min(SEGMENT_S, max(1.0, SEGMENT_PIXELS / pixels_per_s))
    count = max(round(length_s / wanted_s), min(MIN_SEGMENTS, int(length_s / MIN_SEGMENT_S)), 1)
    ideal = np.linspace(float(stamps[0]), float(stamps[-1]), count + 1)[1:-1]
    reach = SNAP_SHARE * length_s / count / float(time_base)
    cuts = sorted({_snapped(aim, stamps, keys, reach) for aim in ideal} - {int(stamps[0])})
    edges = [BEFORE_ALL, *cuts, AFTER_ALL]
    places = np.searchsorted(stamps, np.array(edges[1:-1], np.int64)).tolist()
    counts = np.diff([0, *places, len(stamps)]).tolist()
    return tuple(
        Segment(start, end, frames) for start, end, frames in zip(edges[:-1], edges[1:], counts, strict=True)
    )


def _snapped(aim: float, stamps: Stamps, keys: Stamps, reach: float) -> int:
    if len(keys):
        near = int(keys[np.abs(keys - aim).argmin()])
        if abs(near - aim) <= reach:
            return near
    return int(stamps[min(int(np.searchsorted(stamps, aim)), len(stamps) - 1)])
