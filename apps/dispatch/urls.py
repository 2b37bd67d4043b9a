"""Addresses below /api/v1/."""

from django.urls import path

from apps.dispatch import api, api_leases

urlpatterns = [
    path("cameras/<uuid:camera_id>/leases", api_leases.CameraLeasesView.as_view(), name="camera-leases"),
    path("cameras/<uuid:camera_id>/served", api_leases.CameraServedView.as_view(), name="camera-served"),
    path("frames", api.FramesView.as_view(), name="frames"),
    path("work/<uuid:work_id>", api.WorkView.as_view(), name="work"),
    path("work/<uuid:work_id>/picture", api.WorkPictureView.as_view(), name="work-picture"),
]
