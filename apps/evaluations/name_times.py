"""Times in the names of pictures, as recorders write them."""

import re
from datetime import UTC, datetime
from pathlib import Path

TIME_PARTS = ("%Y", "%m", "%d", "%H", "%M", "%S")


def time_of_name(name: str, pattern: str) -> float:
    """POSIX seconds by a pattern of `strptime` for the name without its ending; 0 where it does not fit.

    UTC where the pattern reads no offset.
    """
    try:
        moment = datetime.strptime(Path(name).stem, pattern)  # noqa: DTZ007 - UTC below
    except (ValueError, re.error):
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp())
