"""The clock of a request (GDPR Art. 12(3)). Pure: times are passed in, nothing is read.

One calendar month from the receipt, three with an extension; where the last month has no such day, its last
one. The hour is that of the receipt, and neither weekends nor holidays move the date: a few hours earlier
than Regulation 1182/71 allows, never later.
"""

import calendar
import math
from dataclasses import dataclass
from datetime import UTC, datetime

MONTHS = 1
MONTHS_EXTENDED = 3
SOON_DAYS = 7


def deadline(received_at: datetime, months: int = MONTHS) -> datetime:
    """The same day and hour `months` later, in UTC; 31 January and one month is the last of February."""
    at = received_at.astimezone(UTC)
    years, month = divmod(at.month - 1 + months, 12)
    year, month = at.year + years, month + 1
    return at.replace(year=year, month=month, day=min(at.day, calendar.monthrange(year, month)[1]))


@dataclass(frozen=True, slots=True)
class Left:
    """How a deadline stands. `days`: begun days that are left, or that it is over (`overdue`)."""

    days: int
    overdue: bool

    @property
    def soon(self) -> bool:
        return not self.overdue and self.days <= SOON_DAYS


def left(due_at: datetime, at: datetime) -> Left:
    days = (due_at - at).total_seconds() / 86_400
    return Left(math.ceil(abs(days)), overdue=days <= 0)
