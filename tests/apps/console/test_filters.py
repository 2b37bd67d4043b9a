"""Template filters that write times."""

from datetime import UTC, datetime

import pytest

from apps.console.templatetags.console import utc_offset

WINTER, SUMMER = datetime(2026, 1, 5, 12, tzinfo=UTC), datetime(2026, 7, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "zone", "offset"),
    [
        (WINTER, "Europe/Helsinki", "UTC+2"),
        (SUMMER, "Europe/Helsinki", "UTC+3"),
        (WINTER, "America/St_Johns", "UTC-3:30"),
        (WINTER, "Asia/Kathmandu", "UTC+5:45"),
        (WINTER, "", "UTC+0"),
        (WINTER, "Nowhere/At_all", "UTC+0"),
        (None, "Europe/Helsinki", ""),
    ],
)
def test_the_offset_of_a_zone_at_a_moment(moment: datetime | None, zone: str, offset: str) -> None:
    assert utc_offset(moment, zone) == offset
