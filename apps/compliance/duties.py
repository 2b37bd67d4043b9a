"""What a duty is: something that a compliance officer has to do, by when, and on which object."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

AHEAD = timedelta(days=30)  # what runs out later is not shown yet; requests of persons always are
SOON = timedelta(days=7)


class DutyKind(StrEnum):
    RECORD_BROKEN = "record_broken"
    RECORD_UNCHECKED = "record_unchecked"
    CHECKPOINT_LATE = "checkpoint_late"
    NOT_DELETED = "not_deleted"
    UNMASKING = "unmasking"
    CASE = "case"
    LEAKS = "leaks"
    QUARANTINE = "quarantine"
    NO_BASIS = "no_basis"
    PURPOSE_ENDS = "purpose_ends"
    CONSENT_ENDS = "consent_ends"
    NO_SIGN = "no_sign"
    HOLD_ENDS = "hold_ends"


@dataclass(frozen=True, slots=True)
class Duty:
    """One thing to do.

    Attributes:
        due_at: when it has to be done; None: now.
        subject: what it is about, in foreign words: a camera, a case, a person's reference.
        object_id: what the page leads to; empty where it leads to a page of its kind.
        code: why, for kinds that have reasons.
        count: how many, for kinds that count.
        zone_name: the zone of time of its camera.
    """

    kind: DutyKind
    due_at: datetime | None = None
    subject: str = ""
    object_id: str = ""
    code: str = ""
    count: int = 0
    zone_name: str = "UTC"


@dataclass(frozen=True, slots=True)
class Duties:
    """All duties at a moment, the most pressing first."""

    at: datetime
    rows: tuple[Duty, ...]

    @property
    def now(self) -> tuple[Duty, ...]:
        return tuple(row for row in self.rows if row.due_at is None or row.due_at <= self.at + timedelta(1))

    @property
    def soon(self) -> tuple[Duty, ...]:
        """Within a week, but not within a day."""
        first, last = self.at + timedelta(1), self.at + SOON
        return tuple(row for row in self.rows if row.due_at is not None and first < row.due_at <= last)

    @property
    def later(self) -> tuple[Duty, ...]:
        return tuple(row for row in self.rows if row.due_at is not None and row.due_at > self.at + SOON)

    def count(self, *kinds: DutyKind) -> int:
        return sum(row.kind in kinds for row in self.rows)


def in_order(duties: list[Duty]) -> tuple[Duty, ...]:
    """What has no date is due now and comes first, as the kinds are listed; then by date."""
    places = {kind: place for place, kind in enumerate(DutyKind)}

    def key(duty: Duty) -> tuple[bool, datetime | int, int, str]:
        if duty.due_at is None:
            return (False, places[duty.kind], 0, duty.subject)
        return (True, duty.due_at, places[duty.kind], duty.subject)

    return tuple(sorted(duties, key=key))
