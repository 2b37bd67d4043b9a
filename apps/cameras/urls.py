"""Addresses below /api/v1/."""

from django.urls import path

from apps.cameras import api

_CAMERA = "cameras/<uuid:camera_id>"

urlpatterns = [
    path("sites", api.SitesView.as_view(), name="sites"),
    path("sites/<uuid:site_id>", api.SiteView.as_view(), name="site"),
    path("groups", api.GroupsView.as_view(), name="groups"),
    path("groups/<uuid:group_id>", api.GroupView.as_view(), name="group"),
    path("groups/<uuid:group_id>/cameras", api.GroupMembersView.as_view(), name="group-cameras"),
    path("cameras", api.CamerasView.as_view(), name="cameras"),
    path(_CAMERA, api.CameraView.as_view(), name="camera"),
    path(f"{_CAMERA}/enable", api.CameraEnableView.as_view(), name="camera-enable"),
    path(f"{_CAMERA}/disable", api.CameraDisableView.as_view(), name="camera-disable"),
    path(f"{_CAMERA}/credentials", api.CameraCredentialsView.as_view(), name="camera-credentials"),
    path(f"{_CAMERA}/zones", api.ZonesView.as_view(), name="zones"),
    path(f"{_CAMERA}/zones/<uuid:zone_id>", api.ZoneView.as_view(), name="zone"),
    path("probes", api.ProbesView.as_view(), name="probes"),
    path("probes/<uuid:probe_id>", api.ProbeView.as_view(), name="probe"),
]
