"""What of the results is kept for how long: registered with the retention of the house."""

from django.utils.translation import gettext_lazy as _

from apps.detections.erasing import register_erasers
from apps.retention.registry import RowStore, exempt, register


def register_own() -> None:
    readings = RowStore(
        name="readings",
        title=_("Readings"),
        model="detections.Reading",
        ends="read_at",
        keys=("snapshot_key",),
        prefixes=("snapshots/",),
    )
    register(readings)
    events = RowStore(
        name="events",
        title=_("Events with their pictures and flags"),
        model="detections.Event",
        starts="first_seen_at",
        ends="last_seen_at",
        keys=("snapshot_key",),
    )
    register(events)
    feed = RowStore(name="feed", title=_("Lines of the feed"), model="detections.FeedEntry", ends="at")
    register(feed)
    register_erasers(events, readings, feed)
    exempt("detections.EventFlag", reason="goes with its event")
    exempt(
        "detections.CameraRuntime",
        "detections.FrameAccount",
        "detections.FeedHead",
        reason="counters and states of cameras; they say nothing about who was in a picture",
    )
