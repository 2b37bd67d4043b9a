"""Addresses of the pages. Each view names the capability that opens it (`access.page`)."""

from django.urls import path

from apps.console import (
    urls_cases,
    urls_compliance,
    urls_evaluations,
    urls_evidence,
    urls_recordings,
    urls_redactions,
    urls_rollouts,
    urls_system,
)
from apps.console.views import (
    camera_changes,
    cameras,
    events,
    live,
    preferences,
    sites,
    zones,
)

app_name = "console"
urlpatterns = [
    path("", preferences.home, name="home"),
    path("preferences/theme/", preferences.theme_choose, name="theme"),
    path("preferences/purpose/", preferences.purpose_choose, name="purpose"),
    path("live/", live.wall, name="live"),
    path("events/", events.events, name="events"),
    path("events/<uuid:event_id>/", events.event, name="event"),
    path("events/<uuid:event_id>/snapshot.jpg", events.event_snapshot, name="event_snapshot"),
    path("events/<uuid:event_id>/status/", events.event_status, name="event_status"),
    path("events/<uuid:event_id>/flag/", events.event_flag, name="event_flag"),
    path("readings/", events.readings, name="readings"),
    path("cameras/", cameras.cameras, name="cameras"),
    path("cameras/add/", camera_changes.camera_add, name="camera_add"),
    path("cameras/test/", camera_changes.probe_begin, name="probe"),
    path("cameras/test/<uuid:probe_id>/", camera_changes.probe_news, name="probe_news"),
    path("cameras/test/<uuid:probe_id>/preview.jpg", camera_changes.probe_preview, name="probe_preview"),
    path("cameras/<uuid:camera_id>/", cameras.camera, name="camera"),
    path("cameras/<uuid:camera_id>/edit/", camera_changes.camera_edit, name="camera_edit"),
    path(
        "cameras/<uuid:camera_id>/credentials/", camera_changes.camera_credentials, name="camera_credentials"
    ),
    path("cameras/<uuid:camera_id>/switch/", camera_changes.camera_switch, name="camera_switch"),
    path("cameras/<uuid:camera_id>/remove/", camera_changes.camera_remove, name="camera_remove"),
    path("cameras/<uuid:camera_id>/move/", cameras.camera_move, name="camera_move"),
    path("cameras/<uuid:camera_id>/zones/add/", zones.zone_add, name="zone_add"),
    path("cameras/<uuid:camera_id>/zones/<uuid:zone_id>/", zones.zone_edit, name="zone_edit"),
    path("cameras/<uuid:camera_id>/zones/<uuid:zone_id>/remove/", zones.zone_remove, name="zone_remove"),
    path("sites/add/", sites.site_add, name="site_add"),
    path("sites/<uuid:site_id>/", sites.site_edit, name="site_edit"),
    path("sites/<uuid:site_id>/remove/", sites.site_remove, name="site_remove"),
    path("sites/<uuid:site_id>/groups/add/", sites.group_add, name="group_add"),
    path("groups/<uuid:group_id>/", sites.group_edit, name="group_edit"),
    path("groups/<uuid:group_id>/remove/", sites.group_remove, name="group_remove"),
    *urls_cases.urlpatterns,
    *urls_compliance.urlpatterns,
    *urls_evidence.urlpatterns,
    *urls_evaluations.urlpatterns,
    *urls_recordings.urlpatterns,
    *urls_redactions.urlpatterns,
    *urls_rollouts.urlpatterns,
    *urls_system.urlpatterns,
]
