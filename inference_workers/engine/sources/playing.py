"""The decoder's loop: packets to frames, stamped, scaled to the live path's size."""

import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from av import VideoFrame
from av.packet import Packet
from av.video.stream import VideoStream

from inference_workers.contracts.lease import Source
from inference_workers.contracts.probe import ProbeStep
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Image
from inference_workers.engine.sources.messages import Opened, StepDone
from inference_workers.engine.sources.opening import (
    FFMPEG_ERRORS,
    MAX_PIXELS,
    OpenedSource,
    describe,
    open_source,
)
from inference_workers.engine.sources.placing import Placer, RunnerLink, announce, ring_size
from inference_workers.engine.sources.sign_in import Credentials
from inference_workers.engine.sources.synthetic import FPS, HEIGHT_PX, WIDTH_PX, Pattern, pace

MAX_ERRORS_IN_A_ROW = 200
_MAX_BEHIND_S = 1.0
_MAX_JUMP_S = 10.0


class MediaClock:
    """Stamps the frames of a file: media time laid onto the wall clock.

    In real time a frame is due at its stamp, and a decoder that falls behind starts anew from now. Played
    fast, the stamps run ahead of the wall clock; rates and delays downstream follow the stamps.
    """

    def __init__(self, *, realtime: bool, fallback_fps: float) -> None:
        self._realtime = realtime
        self._period_s = 1.0 / fallback_fps
        self._base_at: float | None = None
        self._last_at = 0.0

    def stamp(self, media_s: float | None) -> float:
        """The capture time of the next frame; sleeps until then in real time."""
        now = time.time()
        expected_at = self._last_at + self._period_s if self._last_at else now
        at = expected_at if media_s is None or self._base_at is None else self._base_at + media_s
        if self._last_at and not self._last_at < at < self._last_at + _MAX_JUMP_S:
            at = expected_at  # the file starts again, or its stamps are broken
        if self._realtime and now - at > _MAX_BEHIND_S:
            at = now
        if media_s is not None:
            self._base_at = at - media_s
        if self._realtime:
            pace(at)
        self._last_at = at
        return at


def play_pattern(source: Source, link: RunnerLink, placer: Placer) -> None:
    """Draw the synthetic pattern for ever."""
    pattern = Pattern(source.url or "clock")
    announce(link, placer, Opened("synthetic", WIDTH_PX, HEIGHT_PX, FPS, WIDTH_PX, HEIGHT_PX, 0.0))
    due_at = time.time()
    while True:
        pace(due_at)
        if placer.wants(due_at):
            placer.place(pattern.draw(due_at), due_at)
        due_at = max(due_at + 1.0 / FPS, time.time() - _MAX_BEHIND_S)


def play(
    source: Source,
    credentials: Credentials | None,
    media_roots: tuple[Path, ...],
    link: RunnerLink,
    placer: Placer,
) -> None:
    """Open and decode until the end; a looping file starts again.

    Raises:
        EngineError: why the source cannot be opened or read any more.
    """

    def step(name: ProbeStep, detail: str) -> None:
        link.send(StepDone(name.value, detail))

    opened = open_source(source, credentials, media_roots, step)
    try:
        rate = float(opened.stream.average_rate or opened.stream.guessed_rate or 0)
        fps = rate if 0 < rate <= 240 else 25.0
        realtime = opened.live or source.realtime
        clock = MediaClock(realtime=realtime, fallback_fps=fps) if opened.paced else None
        for frame, grabbed_at in _frames(opened, clock, placer, loop=source.loop):
            if placer.wants(grabbed_at):
                _fit_ring(opened, placer, link, frame, fps)
                placer.place(to_bgr(frame, *placer.size), grabbed_at)
    finally:
        opened.close()


def _frames(
    opened: OpenedSource, clock: MediaClock | None, placer: Placer, *, loop: bool
) -> Iterator[tuple[VideoFrame, float]]:
    while True:
        before = placer.decoded
        yield from _one_pass(opened, clock, placer)
        if opened.live:
            raise opened.reason() or EngineError(
                "connection_lost", "the camera ended the stream", transient=True
            )
        if not loop:
            return
        if placer.decoded == before:
            raise EngineError("bad_data", "the file holds no picture that can be decoded")
        opened.container.seek(0)


def _one_pass(
    opened: OpenedSource, clock: MediaClock | None, placer: Placer
) -> Iterator[tuple[VideoFrame, float]]:
    errors_in_a_row = 0
    for packet in _packets(opened):
        arrived_at = time.time()
        placer.clock_offset_s = opened.clock_offset_s()
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, ValueError):
            placer.errors += 1
            errors_in_a_row += 1
            if errors_in_a_row > MAX_ERRORS_IN_A_ROW:
                raise EngineError(
                    "bad_data", f"{errors_in_a_row} packets in a row could not be decoded", transient=True
                ) from None
            continue
        for frame in frames:
            if not isinstance(frame, VideoFrame):
                continue
            errors_in_a_row = 0
            yield frame, arrived_at if clock is None else clock.stamp(frame.time)


def _packets(opened: OpenedSource) -> "Iterator[Packet[VideoStream]]":
    try:
        yield from opened.container.demux(opened.stream)
    except EngineError:
        raise
    except FFMPEG_ERRORS as error:
        raise opened.reason() or describe(error, 0) from None


def _fit_ring(opened: OpenedSource, placer: Placer, link: RunnerLink, frame: VideoFrame, fps: float) -> None:
    """Ask for another ring when the stream's resolution changed."""
    if frame.width * frame.height > MAX_PIXELS:
        raise EngineError(
            "picture_too_large", f"expected at most {MAX_PIXELS} pixels, got {frame.width}x{frame.height}"
        )
    width, height = _shown_size(opened, frame)
    size = ring_size(width, height)
    if size != placer.size:
        codec = opened.stream.codec_context.name
        announce(link, placer, Opened(codec, frame.width, frame.height, fps, *size, opened.clock_offset_s()))


def _shown_size(opened: OpenedSource, frame: VideoFrame) -> tuple[int, int]:
    """Width and height with square pixels; old recorders store 352x576 for a 4:3 picture."""
    ratio = opened.stream.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 4) < ratio < 4:
        return frame.width, frame.height
    return max(2, round(frame.width * ratio)), frame.height


def to_bgr(frame: VideoFrame, width: int, height: int) -> Image:
    """Scale and convert in one pass; uint8 (height, width, 3), rows without padding."""
    plane = frame.reformat(width=width, height=height, format="bgr24").planes[0]
    rows: Image = np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)
    return rows[:, : width * 3].reshape(height, width, 3)
