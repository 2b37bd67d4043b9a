"""MUX: the rendered segments, copied one behind the other, with the sound if that is to be kept."""

import heapq
import shutil
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.encoding import SEGMENT_FORMAT, offset_pts, time_scale
from inference_workers.engine.films.film import Film
from inference_workers.engine.films.opening import FFMPEG_ERRORS, open_film

# What an MP4 may hold as it is; every other sound is encoded anew.
COPIED_AUDIO = frozenset({"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"})
AUDIO_CODEC = "aac"

Timed = tuple[float, int, "Packet"]  # type: ignore[type-arg]


def join_segments(
    film: Film, segments: Sequence[Path], target: Path, *, sound_of: Path | None = None
) -> tuple[str, ...]:
    """Write the film; nothing of the picture is decoded here.

    Args:
        segments: rendered segments in order; those without a frame may be empty.
        sound_of: the upload whose sound is kept, or None.

    Returns:
        the codecs of the sound that was kept.

    Raises:
        EngineError: `no_frames`, `segments_differ`.
    """
    parts = [path for path in segments if _holds_frames(path)]
    if not parts:
        raise EngineError("no_frames", "no frame of the film could be decoded")
    options = {
        "fflags": "+bitexact",
        "movflags": "+faststart",
        "video_track_timescale": str(time_scale(film)),
    }
    with av.open(str(target), "w", format="mp4", options=options) as container:
        with av.open(str(parts[0]), format=SEGMENT_FORMAT) as first:
            video = container.add_stream_from_template(first.streams.video[0])
            header = bytes(first.streams.video[0].codec_context.extradata or b"")
        video.time_base = Fraction(1, time_scale(film))
        if film.facts.rotation_deg:
            video.set_display_rotation(-film.facts.rotation_deg)
        pictures = _pictures(parts, video, header)
        if sound_of is None or not film.facts.audio:
            _mux(container, pictures)
            return ()
        return _mux_with_sound(container, pictures, film, sound_of)


def _holds_frames(path: Path) -> bool:
    with av.open(str(path), format=SEGMENT_FORMAT) as container:
        return any(packet.size for packet in container.demux(video=0))


def _mux(container: OutputContainer, packets: Iterable[Timed]) -> None:
    for _at, _order, packet in packets:
        container.mux(packet)


def _pictures(parts: Sequence[Path], video: VideoStream, header: bytes) -> Iterator[Timed]:
    for path in parts:
        with av.open(str(path), format=SEGMENT_FORMAT) as container:
            stream = container.streams.video[0]
            if bytes(stream.codec_context.extradata or b"") != header:
                raise EngineError(
                    "segments_differ", "the segments were rendered by different releases; render them again"
                )
            for packet in container.demux(stream):
                if packet.size:
                    yield _timed(packet, 0, video)


def _timed(packet: "Packet", order: int, stream: VideoStream | AudioStream) -> Timed:  # type: ignore[type-arg]
    at_s = float((packet.dts or 0) * (packet.time_base or 1))
    packet.stream = stream
    return at_s, order, packet


def _mux_with_sound(
    container: OutputContainer, pictures: Iterator[Timed], film: Film, sound_of: Path
) -> tuple[str, ...]:
    with open_film(sound_of) as opened:
        sound, kept = _sound(container, opened.container, film)
        _mux(container, heapq.merge(pictures, sound, key=lambda item: item[:2]))
    return kept


def _sound(
    container: OutputContainer, source: InputContainer, film: Film
) -> tuple[Iterator[Timed], tuple[str, ...]]:
    streams = list(source.streams.audio)
    targets = {stream.index: _target(container, stream) for stream in streams}
    shift_s = float(offset_pts(film) * film.seconds_per_pts)
    kept = tuple(stream.codec_context.name for stream in streams)
    return _sound_packets(source, streams, targets, shift_s), kept


def _target(container: OutputContainer, stream: AudioStream) -> AudioStream:
    if stream.codec_context.name in COPIED_AUDIO:
        return container.add_stream_from_template(stream)
    made = container.add_stream(AUDIO_CODEC, rate=stream.rate)
    assert isinstance(made, AudioStream)  # noqa: S101 - of an encoder of sound
    return made


def _sound_packets(
    source: InputContainer, streams: list[AudioStream], targets: dict[int, AudioStream], shift_s: float
) -> Iterator[Timed]:
    packets = source.demux(streams)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            break
        except FFMPEG_ERRORS:
            break  # cut off: the sound ends here, and the report tells of the damage
        target = targets[packet.stream.index]
        order = 1 + packet.stream.index
        if packet.stream.codec_context.name in COPIED_AUDIO:
            if packet.size and packet.dts is not None:
                shift = round(shift_s / (packet.time_base or 1))
                packet.pts, packet.dts = (packet.pts or packet.dts) - shift, packet.dts - shift
                yield _timed(packet, order, target)
        else:
            yield from (_timed(done, order, target) for done in _encoded(packet, target, shift_s))
    for stream in streams:
        if stream.codec_context.name not in COPIED_AUDIO:
            target = targets[stream.index]
            yield from (_timed(done, 1 + stream.index, target) for done in target.encode(None))


def _encoded(packet: "Packet", target: AudioStream, shift_s: float) -> Iterator["Packet"]:  # type: ignore[type-arg]
    try:
        frames = packet.decode()
    except FFMPEG_ERRORS:
        return
    for frame in frames:
        if frame.pts is not None:
            frame.pts -= round(shift_s / (frame.time_base or 1))
        yield from target.encode(frame)  # type: ignore[arg-type]


def copy_picture(segment: Path, target: Path) -> None:
    """The result of a picture is its one segment."""
    shutil.copyfile(segment, target)
