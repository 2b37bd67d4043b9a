"""Addresses below /api/v1/."""

from django.urls import path

from apps.audit import api

urlpatterns = [path("audit", api.RecordsView.as_view(), name="audit")]
