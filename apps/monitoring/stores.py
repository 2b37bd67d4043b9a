"""What the leak meter keeps: registered with the retention of the house."""

from collections.abc import Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.monitoring.models import LeakSample
from apps.retention.erasure import RowEraser, Target, erases, overlapping
from apps.retention.registry import RowStore, exempt, register


def _samples_of(targets: Sequence[Target]) -> QuerySet[LeakSample]:
    return LeakSample.objects.filter(overlapping(targets, "at", "at")).exclude(boxes=[])


def register_own() -> None:
    samples = RowStore(
        name="leak_samples",
        title=_("Second looks at redacted pictures"),
        model="monitoring.LeakSample",
        ends="at",
    )
    register(samples)
    # The row counts a picture once; where the bare faces in it were goes.
    erases(samples.name, RowEraser(samples, _samples_of, cut=(("boxes", []),)))
    exempt(
        "monitoring.LeakHour",
        "monitoring.LeakGuard",
        "monitoring.Alert",
        reason="counts and decisions about cameras; they say nothing about who was in a picture",
    )
