"""The redacted picture of an event: the best moment that was displayed, taken once, replaced at most once."""

from dataclasses import dataclass
from datetime import UTC, datetime

from inference_workers.contracts.lease import Lease
from inference_workers.contracts.names import snapshot_key
from inference_workers.engine.clothing import Clothing, clothing_of
from inference_workers.engine.events import Event, merit
from inference_workers.engine.redaction import MOSAIC, RedactedFrame

# A displayed frame shows the object of a sighting that is at most this far away in time.
NEAR_S = 0.15
# An event waits this long for a picture in which only people are covered, then takes the mosaic.
WAIT_S = 2.0
CLEARLY_BETTER = 1.4
MAX_PICTURES = 2
MAX_HELD = 32


@dataclass(frozen=True, slots=True)
class _Candidate:
    picture: RedactedFrame
    merit: float
    clothing: Clothing


class SnapshotDesk:
    """Candidates for the snapshots of one camera's events. Holds pixels only until the event is told."""

    def __init__(self) -> None:
        self._held: dict[int, _Candidate] = {}
        self._taken: dict[int, tuple[int, float]] = {}  # track id: pictures told, merit of the last
        self._unconfirmed_since: dict[int, float] = {}

    def wants(self, event: Event, at: float) -> bool:
        """Would a frame captured at `at` make a (better) picture of the event?"""
        value = _merit_at(event, at)
        if value is None or event.hits < 2:
            return False
        told, last_merit = self._taken.get(event.track.track_id, (0, 0.0))
        if told >= MAX_PICTURES:
            return False
        held = self._held.get(event.track.track_id)
        best = max(last_merit * CLEARLY_BETTER, held.merit if held else 0.0)
        return value > best or (held is not None and held.picture.redaction == MOSAIC)

    def offer(self, event: Event, picture: RedactedFrame, *, name_clothing: bool = False) -> None:
        """Keep the picture for the event when it is the best so far; a mosaic only for want of better.

        What a person wears is named from the same redacted picture: of what is covered nothing is said.
        """
        track_id = event.track.track_id
        held = self._held.get(track_id)
        if picture.redaction == MOSAIC and (held is not None or event.snapshot_key is not None):
            return
        if held is None and len(self._held) >= MAX_HELD:
            return
        self._held[track_id] = _Candidate(
            picture,
            _merit_at(event, picture.grabbed_at) or 0.0,
            clothing_of(picture, event.track.box_at(picture.grabbed_at))
            if name_clothing and event.is_person
            else Clothing(),
        )

    def is_ready(self, event: Event, now: float, *, only_mosaic: bool) -> bool:
        """May the event be told now, or is a better picture to be had soon?"""
        if event.revision:
            return True
        held = self._held.get(event.track.track_id)
        if held is not None and (only_mosaic or held.picture.redaction != MOSAIC):
            return True
        since = self._unconfirmed_since.setdefault(event.track.track_id, now)
        return now - since >= WAIT_S

    def take(self, event: Event, lease: Lease, epoch: str) -> RedactedFrame | None:
        """Hand over the picture of an event that is told now, and write its key into the event."""
        track_id = event.track.track_id
        self._unconfirmed_since.pop(track_id, None)
        held = self._held.pop(track_id, None)
        if held is not None:
            number = self._taken.get(track_id, (0, 0.0))[0] + 1
            self._taken[track_id] = (number, held.merit)
            day = datetime.fromtimestamp(held.picture.grabbed_at, UTC).strftime("%Y-%m-%d")
            event.snapshot_key = snapshot_key(lease.camera_id, day, f"{epoch}-{track_id}-{number}")
            event.snapshot_redaction = held.picture.redaction
            told = held.clothing
            event.clothing = Clothing(told.upper or event.clothing.upper, told.lower or event.clothing.lower)
        return held.picture if held is not None else None

    def forget(self, living: set[int]) -> None:
        """Drop what belongs to events that are over."""
        for table in (self._held, self._taken, self._unconfirmed_since):
            for track_id in table.keys() - living:
                table.pop(track_id, None)


def _merit_at(event: Event, at: float) -> float | None:
    """How good a picture of the event a frame at `at` is; None when it was not seen around then."""
    near = [item for item in event.track.sightings if abs(item.at - at) <= NEAR_S]
    if not near:
        return None
    nearest = min(near, key=lambda item: abs(item.at - at))
    x1, y1, x2, y2 = nearest.box_xyxy
    return merit(nearest.score, float((x2 - x1) * (y2 - y1)))
