"""What the leak meter keeps: registered with the retention of the house."""

from django.utils.translation import gettext_lazy as _

from apps.retention.registry import RowStore, exempt, register


def register_own() -> None:
    register(
        RowStore(
            name="leak_samples",
            title=_("Second looks at redacted pictures"),
            model="monitoring.LeakSample",
            ends="at",
        )
    )
    exempt(
        "monitoring.LeakHour",
        "monitoring.LeakGuard",
        "monitoring.Alert",
        reason="counts and decisions about cameras; they say nothing about who was in a picture",
    )
