"""When an entry is open: the wall clock of the camera's zone decides."""

from datetime import UTC, datetime

import pytest

from apps.consent.hours import closes_at, hours_checked, is_open, spans_parsed, spans_shown
from apps.core.errors import DomainError

OFFICE = {
    "mon": [["08:00", "12:00"], ["13:00", "18:00"]],
    "tue": [["22:00", "24:00"]],
    "wed": [["00:00", "06:00"]],
}
HELSINKI = "Europe/Helsinki"  # UTC+2 in November


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of the week that begins on Monday, 23 November 2026, in UTC."""
    return datetime(2026, 11, 22 + day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (at(1, 5, 59), False),
        (at(1, 6), True),  # 08:00 in Helsinki
        (at(1, 9, 59), True),
        (at(1, 10), False),  # lunch
        (at(1, 16), False),
        (at(2, 21, 59), True),
        (at(2, 22), True),  # Wednesday 00:00 goes on where Tuesday ended
        (at(3, 4), False),
        (at(7, 10), False),  # a day without a span is closed
    ],
)
def test_it_is_open_by_the_clock_of_the_zone(moment, expected):
    assert is_open(OFFICE, moment, HELSINKI) is expected


def test_no_hours_mean_always():
    assert is_open({}, at(7, 3), HELSINKI)
    assert closes_at({}, at(7, 3), HELSINKI) is None


def test_it_tells_when_the_span_ends():
    assert closes_at(OFFICE, at(1, 7), HELSINKI) == at(1, 10)
    assert closes_at(OFFICE, at(2, 21), HELSINKI) == at(2, 22)
    assert closes_at(OFFICE, at(1, 10, 30), HELSINKI) is None


def test_a_clock_change_moves_the_hours_with_the_wall_clock():
    hours = {"sun": [["08:00", "18:00"]]}
    summer, winter = datetime(2026, 10, 18, 5, 30, tzinfo=UTC), datetime(2026, 10, 25, 5, 30, tzinfo=UTC)
    assert is_open(hours, summer, HELSINKI)  # 08:30 EEST
    assert not is_open(hours, winter, HELSINKI)  # 07:30 EET


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"monday": [["08:00", "18:00"]]},
        {"mon": [["18:00", "08:00"]]},
        {"mon": [["8:00", "18:00"]]},
        {"mon": [["08:00", "25:00"]]},
        {"mon": [["08:00"]]},
        {"mon": ["08:00-18:00"]},
        {"mon": [["08:00", "09:00"]] * 7},
        {"mon": [["08:00", 9]]},
    ],
)
def test_it_refuses_what_is_no_span(wrong):
    with pytest.raises(DomainError) as refused:
        hours_checked(wrong)
    assert refused.value.code == "invalid_opening_hours"


def test_a_person_types_a_day_in_one_line():
    spans = spans_parsed("13:00–18:00, 08:00 - 12:00")
    assert spans == [["08:00", "12:00"], ["13:00", "18:00"]]
    assert spans_shown(spans) == "08:00–12:00, 13:00–18:00"
    assert spans_parsed("") == []
