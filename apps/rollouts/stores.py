"""What of rollouts is kept for how long."""

from django.utils.translation import gettext_lazy as _

from apps.retention.registry import RowStore, register


def register_own() -> None:
    register(
        RowStore(
            name="version_windows",
            title=_("Figures of model versions in short windows"),
            model="rollouts.VersionWindow",
            starts="started_at",
            ends="ended_at",
        )
    )
