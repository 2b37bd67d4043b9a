"""The one clock of the control plane, so that a test can set it."""

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """The time as an aware datetime in UTC."""
    return timezone.now()
