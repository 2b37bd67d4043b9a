"""Addresses below /api/v1/."""

from django.urls import path

from apps.recordings import api

urlpatterns = [
    path("cameras/<uuid:camera_id>/segments", api.SegmentsView.as_view(), name="segments"),
    path("segments/<uuid:segment_id>/video", api.SegmentVideoView.as_view(), name="segment-video"),
]
