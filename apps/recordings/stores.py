"""Recorded segments are swept by their class; what else stands here is exempt, with the reason."""

from django.utils.translation import gettext_lazy as _

from apps.retention.registry import RowStore, exempt, register


def register_own() -> None:
    register(
        RowStore(
            name="segments",
            title=_("Recorded segments"),
            model="recordings.Segment",
            starts="started_at",
            ends="ended_at",
            keys=("object_key", "original_key"),
            prefixes=("segments/", "originals/"),
        )
    )
    exempt(
        "recordings.OriginalKey",
        reason="keys of sealed originals; a destroyed one stays as the proof of the erasure",
    )
