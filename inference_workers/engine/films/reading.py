"""Decoding the frames between two time stamps, and what could not be decoded."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from av import VideoFrame
from av.packet import Packet

from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.film import BEFORE_ALL, Film
from inference_workers.engine.films.opening import FFMPEG_ERRORS, MAX_PICTURE_PIXELS, OpenFilm, open_film
from inference_workers.engine.frame import Image
from inference_workers.engine.sources.playing import to_bgr

MAX_ERRORS_IN_A_ROW = 20_000
# A seek may end up behind its aim; then it is tried from earlier, at last from the beginning.
_EARLIER_S = (0.0, 12.0, 60.0)


@dataclass(frozen=True, slots=True)
class FilmFrame:
    """One decoded frame.

    Attributes:
        pts: time stamp in units of the film, strictly growing.
        at_s: seconds since the first frame of the film.
        sound: False from a decoding error until the next key frame: parts may be smeared or of old pictures.
    """

    pts: int
    at_s: float
    picture: VideoFrame
    sound: bool

    def bgr(self) -> Image:
        """uint8 (height, width, 3)."""
        return to_bgr(self.picture, self.picture.width, self.picture.height)


class FilmReader:
    """Reads one part of a film, from `start_pts` until before `end_pts`; for one use.

    Attributes:
        damage_s: after reading, the parts (from, until) in seconds that could not be decoded soundly.
    """

    def __init__(self, path: Path, film: Film, start_pts: int, end_pts: int) -> None:
        self._path = path
        self._film = film
        self._start_pts = start_pts
        self._end_pts = end_pts
        self._damaged_at: float | None = None
        self._last_pts: int | None = None
        self._errors_in_a_row = 0
        self.damage_s: list[tuple[float, float]] = []

    def frames(self, *, and_next: bool = False) -> Iterator[FilmFrame]:
        """The frames in the order of display; with `and_next` also the first one behind the end.

        Raises:
            EngineError: `picture_too_large`, `size_changed`, and those of `open_film`.
        """
        for earlier_s in _EARLIER_S:
            with open_film(self._path) as opened:
                decoded = self._from_start(opened, earlier_s)
                if decoded is not None:
                    yield from self._wanted(decoded, and_next=and_next)
                    return
        with open_film(self._path) as opened:
            yield from self._wanted(self._decoded(opened), and_next=and_next)

    def _from_start(self, opened: OpenFilm, earlier_s: float) -> Iterator[FilmFrame] | None:
        """The decoded frames from at or before the start on; None when the seek ended behind it."""
        if self._start_pts <= BEFORE_ALL:
            return self._decoded(opened)
        aim = self._start_pts - int(earlier_s / self._film.seconds_per_pts)
        if aim <= self._film.first_pts:
            return self._decoded(opened)
        try:
            opened.container.seek(aim, stream=opened.stream, backward=True)
        except FFMPEG_ERRORS:
            return None
        decoded = self._decoded(opened)
        first = next(decoded, None)
        if first is None or first.pts > self._start_pts:
            self._last_pts, self._damaged_at, self.damage_s = None, None, []
            return None
        return _put_back(first, decoded)

    def _wanted(self, decoded: Iterator[FilmFrame], *, and_next: bool) -> Iterator[FilmFrame]:
        for frame in decoded:
            if frame.pts < self._start_pts:
                continue
            if frame.pts >= self._end_pts:
                self._close_damage(frame.at_s)
                if and_next:
                    yield frame
                return
            yield frame
        last_s = self._film.at_s(self._last_pts) if self._last_pts is not None else 0.0
        self._close_damage(max(last_s, self._damaged_at or 0.0))

    def _decoded(self, opened: OpenFilm) -> Iterator[FilmFrame]:
        for packet in self._packets(opened):
            try:
                pictures = packet.decode()
            except FFMPEG_ERRORS:
                self._note_error(packet)
                continue
            for picture in pictures:
                if isinstance(picture, VideoFrame):
                    yield self._frame(picture)

    def _packets(self, opened: OpenFilm) -> "Iterator[Packet]":  # type: ignore[type-arg]
        packets = opened.container.demux(opened.stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except FFMPEG_ERRORS:
                # The demuxer looks for the next readable place by itself; a generator that raised is over.
                self._note_error(None)
                packets = opened.container.demux(opened.stream)
                continue
            self._errors_in_a_row = 0
            yield packet

    def _note_error(self, packet: "Packet | None") -> None:  # type: ignore[type-arg]
        self._errors_in_a_row += 1
        if self._errors_in_a_row > MAX_ERRORS_IN_A_ROW:
            raise EngineError("file_damaged", "the file holds nothing that can be decoded from here on")
        if self._damaged_at is None:
            pts = packet.pts if packet is not None and packet.pts is not None else self._last_pts
            self._damaged_at = self._film.at_s(pts if pts is not None else self._film.first_pts)

    def _frame(self, picture: VideoFrame) -> FilmFrame:
        facts = self._film.facts
        if picture.width * picture.height > MAX_PICTURE_PIXELS:
            raise EngineError("picture_too_large", f"got a frame of {picture.width}x{picture.height} pixels")
        if (picture.width, picture.height) != (facts.width, facts.height):
            picture = picture.reformat(width=facts.width, height=facts.height)
        pts = self._next_pts(picture.dts if self._film.by_decoding else picture.pts)
        at_s = self._film.at_s(pts)
        if picture.is_corrupt and self._damaged_at is None:
            self._damaged_at = at_s
        elif picture.key_frame and not picture.is_corrupt:
            self._close_damage(at_s)
        return FilmFrame(pts, at_s, picture, self._damaged_at is None)

    def _next_pts(self, pts: int | None) -> int:
        """Strictly growing: a missing or repeated stamp counts as just after the frame before."""
        last = self._last_pts
        if pts is None or (last is not None and pts <= last):
            usual = max(1, round(1 / (self._film.facts.fps * self._film.seconds_per_pts)))
            pts = self._film.first_pts if last is None else last + (usual if pts is None else 1)
        self._last_pts = pts
        return pts

    def _close_damage(self, at_s: float) -> None:
        if self._damaged_at is None:
            return
        start_s = self._film.at_s(self._start_pts) if self._start_pts > BEFORE_ALL else 0.0
        if at_s > max(start_s, self._damaged_at):
            self.damage_s.append((max(start_s, self._damaged_at), at_s))
        self._damaged_at = None


def _put_back(first: FilmFrame, rest: Iterator[FilmFrame]) -> Iterator[FilmFrame]:
    yield first
    yield from rest
