"""The one clock of the control plane, so that a test can set it."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

FIRST_YEAR, LAST_YEAR = 1970, 2199


def now() -> datetime:
    """The time as an aware datetime in UTC."""
    return timezone.now()


def moment_problem(moment: datetime) -> str:
    """What is wrong with a moment from outside; empty for one that can be computed with.

    At the ends of the calendar a zone of time or a few minutes more lead out of it.
    """
    if FIRST_YEAR <= moment.year <= LAST_YEAR:
        return ""
    return _("Expected a moment of the years %(first)d to %(last)d.") % {
        "first": FIRST_YEAR,
        "last": LAST_YEAR,
    }
