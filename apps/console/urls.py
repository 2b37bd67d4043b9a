"""The addresses of the pages."""

from django.urls import path

from apps.console.urls_system import urlpatterns as system
from apps.console.views import camera_edit, cameras, events, live, preferences, sites, zones

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
    path("cameras/add/", camera_edit.camera_add, name="camera_add"),
    path("cameras/test/", camera_edit.probe_begin, name="probe_begin"),
    path("cameras/test/<uuid:probe_id>/", camera_edit.probe_progress, name="probe"),
    path("cameras/<uuid:camera_id>/", cameras.camera, name="camera"),
    path("cameras/<uuid:camera_id>/edit/", camera_edit.camera_edit, name="camera_edit"),
    path("cameras/<uuid:camera_id>/sign-in/", camera_edit.camera_sign_in, name="camera_sign_in"),
    path("cameras/<uuid:camera_id>/switch/", camera_edit.camera_switch, name="camera_switch"),
    path("cameras/<uuid:camera_id>/delete/", camera_edit.camera_remove, name="camera_delete"),
    path("cameras/<uuid:camera_id>/place/", camera_edit.camera_place, name="camera_place"),
    path("cameras/<uuid:camera_id>/zones/", zones.zones, name="zones"),
    path("cameras/<uuid:camera_id>/zones/save/", zones.zone_save, name="zone_save"),
    path("cameras/<uuid:camera_id>/zones/<uuid:zone_id>/delete/", zones.zone_remove, name="zone_delete"),
    path("sites/add/", sites.site_add, name="site_add"),
    path("sites/<uuid:site_id>/", sites.site_edit, name="site_edit"),
    path("sites/<uuid:site_id>/groups/", sites.group_add, name="group_add"),
    path("groups/<uuid:group_id>/", sites.group_edit, name="group_edit"),
    *system,
]
