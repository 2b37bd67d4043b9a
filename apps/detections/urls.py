"""Addresses below /api/v1/."""

from django.urls import path

from apps.detections import api

_EVENT = "events/<uuid:event_id>"

urlpatterns = [
    path("events", api.EventsView.as_view(), name="events"),
    path(_EVENT, api.EventView.as_view(), name="event"),
    path(f"{_EVENT}/snapshot", api.EventSnapshotView.as_view(), name="event-snapshot"),
    path(f"{_EVENT}/status", api.EventStatusView.as_view(), name="event-status"),
    path(f"{_EVENT}/flags", api.EventFlagsView.as_view(), name="event-flags"),
    path("readings", api.ReadingsView.as_view(), name="readings"),
    path("readings/<uuid:reading_id>/snapshot", api.ReadingSnapshotView.as_view(), name="reading-snapshot"),
    path("streams", api.StatesView.as_view(), name="streams"),
    path("streams/<uuid:camera_id>", api.StreamView.as_view(), name="stream"),
    path("feed", api.FeedView.as_view(), name="feed"),
    path("probes/<uuid:probe_id>/preview", api.ProbePreviewView.as_view(), name="probe-preview"),
]
