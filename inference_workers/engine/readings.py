"""Lines of text that were read several times become one reading.

A line belongs to the reading whose box it overlaps (in the same zone). Its texts vote, weighted by
confidence. A reading is told once: when two reads agree or one is very sure; again only when the text
changed for good, or came back after it was gone.
"""

import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from inference_workers.contracts.frames import Found
from inference_workers.contracts.lease import Lease, ModelRef, ZoneKind
from inference_workers.contracts.results import ReadingResult
from inference_workers.engine.zones import Polygon, contains

MIN_CONFIDENCE = 0.5
SURE_CONFIDENCE = 0.93
AGREEING_READS = 2
GONE_S = 60.0
MIN_OVERLAP = 0.3
MAX_VOTES = 5  # few, so that the next plate at a barrier wins after three reads
MAX_LINES = 256
MAX_TEXT = 200

_NAMESPACE = uuid.UUID("6f9b1f57-4b86-5a0e-9a4c-5d8f3f1f2a10")
_BIDI_MARKS = dict.fromkeys([0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
# Cyrillic letters and digits that look like Latin capitals; plates are compared in this form.
_LOOK_ALIKES = str.maketrans("АВЕКМНОРСТУХІЈЅ0", "ABEKMHOPCTYXIJSO")

BoxXyxy = tuple[float, float, float, float]


def tidy(text: str) -> str:
    """NFKC, no control characters or direction marks, single spaces; hostile input stays mere text."""
    plain = unicodedata.normalize("NFKC", text).translate(_BIDI_MARKS)
    printable = "".join(sign if unicodedata.category(sign)[0] != "C" else " " for sign in plain)
    return " ".join(printable.split())[:MAX_TEXT]


def fold(text: str) -> str:
    """The form in which two readings are compared: capitals, look-alikes as one, letters and digits only."""
    capitals = tidy(text).upper().translate(_LOOK_ALIKES)
    return "".join(sign for sign in capitals if sign.isalnum() or unicodedata.combining(sign))


def _lies_in(box_xyxy: BoxXyxy, polygons: Sequence[Polygon]) -> bool:
    """Does the middle of the box lie in one of the polygons?"""
    left, top, right, bottom = box_xyxy
    return any(contains(polygon, (left + right) / 2, (top + bottom) / 2) for polygon in polygons)


@dataclass(slots=True)
class _Line:
    """A place at which text is read, and the votes on what it says: folded form to reads."""

    box_xyxy: BoxXyxy
    zone_id: str | None
    last_at: float
    votes: list[tuple[str, str, float]] = field(default_factory=list)
    told: str | None = None

    def vote(self, text: str, confidence: float) -> None:
        self.votes = [*self.votes[1 - MAX_VOTES :], (fold(text), text, confidence)]

    def winner(self) -> tuple[str, str, float, int]:
        """Folded form, its best text, its best confidence, how many reads agree."""
        weight: dict[str, float] = {}
        for form, _, confidence in self.votes:
            weight[form] = weight.get(form, 0.0) + confidence
        best = max(weight, key=lambda form: weight[form])
        reads = [(confidence, text) for form, text, confidence in self.votes if form == best]
        confidence, text = max(reads)
        return best, text, confidence, len(reads)


class ReadingBook:
    """The readings of one camera in one run (`epoch`)."""

    def __init__(self, camera_id: str, epoch: str) -> None:
        self._camera_id = camera_id
        self._epoch = epoch
        self._lines: list[_Line] = []

    def add(
        self, seq: int, at: float, found: Sequence[Found], model: ModelRef, lease: Lease
    ) -> list[ReadingResult]:
        """Take in the lines of one frame; returns those readings that have become certain by it."""
        self._lines = [line for line in self._lines if line.last_at > at - GONE_S]
        unread = [zone.polygon for zone in lease.zones if zone.kind is ZoneKind.NO_TEXT]
        readable = [item for item in found if not _lies_in(item.box_xyxy, unread)]
        news = [
            (item, best)
            for item in readable
            if (line := self._heard(item, at)) and (best := self._news(line))
        ]
        return [
            ReadingResult(
                reading_id=self._reading_id(seq, item, text),
                camera_id=self._camera_id,
                epoch=self._epoch,
                seq=seq,
                read_at=at,
                text=text,
                script=item.script or lease.script,
                confidence=min(max(confidence, 0.0), 1.0),
                box_xyxy=item.box_xyxy,
                zone_id=item.zone_id,
                model=model,
                lease_id=lease.lease_id,
            )
            for item, (text, confidence) in news
        ]

    def _reading_id(self, seq: int, item: Found, text: str) -> str:
        name = f"{self._camera_id}/{self._epoch}/{seq}/{item.zone_id or ''}/{fold(text)}"
        return str(uuid.uuid5(_NAMESPACE, name))

    def _heard(self, item: Found, at: float) -> _Line | None:
        text = tidy(item.text or "")
        if item.score < MIN_CONFIDENCE or not fold(text):
            return None
        line = self._line_at(item.box_xyxy, item.zone_id, at)
        line.box_xyxy, line.last_at = item.box_xyxy, at
        line.vote(text, item.score)
        return line

    def _line_at(self, box: BoxXyxy, zone_id: str | None, at: float) -> _Line:
        near = [line for line in self._lines if line.zone_id == zone_id]
        best = max(near, key=lambda line: _overlap(line.box_xyxy, box), default=None)
        if best is not None and _overlap(best.box_xyxy, box) >= MIN_OVERLAP:
            return best
        line = _Line(box, zone_id, at)
        self._lines = [*self._lines[1 - MAX_LINES :], line]
        return line

    def _news(self, line: _Line) -> tuple[str, float] | None:
        form, text, confidence, reads = line.winner()
        if form == line.told or (reads < AGREEING_READS and confidence < SURE_CONFIDENCE):
            return None
        if self._told_elsewhere(form, line):
            line.told = form
            return None
        line.told = form
        return text, confidence

    def _told_elsewhere(self, form: str, line: _Line) -> bool:
        """A sign that moves (a plate) is the same reading at its next place."""
        return any(
            other is not line and other.told == form and other.zone_id == line.zone_id
            for other in self._lines
        )


def _overlap(first: BoxXyxy, second: BoxXyxy) -> float:
    """Intersection over union."""
    wide = min(first[2], second[2]) - max(first[0], second[0])
    high = min(first[3], second[3]) - max(first[1], second[1])
    if wide <= 0 or high <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return wide * high / (sum(areas) - wide * high)
