"""Segments as the player and the strip of a day show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from apps.detections.models import Event
from apps.recordings.models import Segment
from apps.recordings.selectors import Day

TOGETHER_S = 4.0  # segments closer than this are one clip to the eye
STRIP_WIDTH = 1440  # one unit per minute
THINNEST = 1.5


@dataclass(frozen=True, slots=True)
class Clip:
    """Segments that follow each other without a gap worth naming. `first` is the place of the first one."""

    first: int
    started_at: datetime
    ended_at: datetime
    pictures: int
    held: bool = False

    @property
    def seconds(self) -> float:
        return (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of the strip of a day, in units of its width."""

    x: float
    width: float


def playlist(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    """What the player's script reads; times in milliseconds since the epoch."""
    return [
        {
            "url": reverse("console:segment", args=[segment.pk]),
            "start": round(segment.started_at.timestamp() * 1000),
            "end": round(segment.ended_at.timestamp() * 1000),
        }
        for segment in segments
    ]


def clips_of(segments: Sequence[Segment]) -> list[Clip]:
    clips: list[Clip] = []
    for place, segment in enumerate(segments):
        last = clips[-1] if clips else None
        if last and (segment.started_at - last.ended_at).total_seconds() <= TOGETHER_S:
            pictures = last.pictures + segment.frames
            clips[-1] = Clip(last.first, last.started_at, max(last.ended_at, segment.ended_at), pictures)
        else:
            clips.append(Clip(place, segment.started_at, segment.ended_at, segment.frames))
    return clips


def bars_of(day: Day, spans: Sequence[tuple[datetime, datetime]]) -> list[Bar]:
    """Spans of time on the strip, cut to the day."""
    unit = STRIP_WIDTH / day.seconds
    bars = []
    for since, until in spans:
        left = max(0.0, (max(since, day.since) - day.since).total_seconds() * unit)
        right = min(STRIP_WIDTH, (min(until, day.until) - day.since).total_seconds() * unit)
        if right > 0 and left < STRIP_WIDTH:
            bars.append(Bar(round(left, 2), round(max(right - left, THINNEST), 2)))
    return bars


def event_place(segments: Sequence[Segment], event: Event) -> int:
    """The segment in which an event begins: where its clip is opened."""
    before = [place for place, segment in enumerate(segments) if segment.started_at <= event.first_seen_at]
    return before[-1] if before else 0
