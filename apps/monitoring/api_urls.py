"""Addresses below /api/v1/."""

from django.urls import path

from apps.monitoring import api

urlpatterns = [
    path("cameras/<uuid:camera_id>/leaks", api.LeaksView.as_view(), name="camera-leaks"),
    path("alerts", api.AlertsView.as_view(), name="alerts"),
    path("alerts/<uuid:alert_id>", api.AlertView.as_view(), name="alert"),
    path("alerts/<uuid:alert_id>/acknowledge", api.AlertAcknowledgeView.as_view(), name="alert-acknowledge"),
    path("alerts/<uuid:alert_id>/close", api.AlertCloseView.as_view(), name="alert-close"),
]
