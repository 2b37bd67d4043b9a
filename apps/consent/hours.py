"""Opening hours: per weekday the spans in which an entry of the register is valid, in the camera's zone.

`{"mon": [["08:00", "18:00"]], …}`; a day that is not named is closed, and an empty mapping means always.
A span ends on its own day ("24:00" is its end); a night is written as two spans. The wall clock decides: an
hour that a clock change repeats counts twice.
"""

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from apps.core.errors import DomainError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_SPANS = 6
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")

Spans = list[list[str]]
Hours = Mapping[str, Spans]


def hours_checked(value: Any) -> dict[str, Spans]:
    """The hours in order of the week; days without a span are left out."""
    if not isinstance(value, Mapping) or value.keys() - set(DAYS):
        raise _refusal(_("Expected opening hours by weekday: %s.") % ", ".join(DAYS))
    return {day: _spans_checked(value[day]) for day in DAYS if value.get(day)}


def spans_parsed(text: str) -> Spans:
    """The spans of one day as a person types them: “08:00-12:00, 13:00-18:00”."""
    parts = [part.strip().replace("–", "-") for part in text.split(",") if part.strip()]
    return _spans_checked([[side.strip() for side in part.split("-")] for part in parts])


def spans_shown(spans: Spans) -> str:
    return ", ".join(f"{begin}–{end}" for begin, end in spans)


def is_open(hours: Hours, at: datetime, zone_name: str) -> bool:
    return not hours or _span_at(hours, at.astimezone(ZoneInfo(zone_name))) is not None


def closes_at(hours: Hours, at: datetime, zone_name: str) -> datetime | None:
    """The end of the span that `at` lies in; None when there is none or it never closes."""
    local = at.astimezone(ZoneInfo(zone_name))
    span = _span_at(hours, local) if hours else None
    return None if span is None else _moment(local, span[1])


def _span_at(hours: Hours, local: datetime) -> list[str] | None:
    clock = local.strftime("%H:%M")
    spans = hours.get(DAYS[local.weekday()], [])
    return next((span for span in spans if span[0] <= clock < span[1]), None)


def _moment(local: datetime, clock: str) -> datetime:
    day = local.date()
    if clock == "24:00":
        return datetime.combine(day + timedelta(days=1), time(), local.tzinfo)
    return datetime.combine(day, time.fromisoformat(clock), local.tzinfo)


def _spans_checked(spans: Any) -> Spans:
    if not isinstance(spans, list) or len(spans) > MAX_SPANS:
        raise _refusal(_("A day has at most %s spans.") % MAX_SPANS)
    for span in spans:
        if not _is_span(span):
            raise _refusal(_("Expected a span such as 08:00-18:00; a night is two spans, up to 24:00."))
    return sorted([str(begin), str(end)] for begin, end in spans)


def _is_span(span: Any) -> bool:
    if not isinstance(span, list | tuple) or len(span) != 2:
        return False
    begin, end = span
    both = isinstance(begin, str) and isinstance(end, str)
    return bool(both and _CLOCK.fullmatch(begin) and _CLOCK.fullmatch(end) and begin < end)


def _refusal(message: str) -> DomainError:
    return DomainError("invalid_opening_hours", message)
