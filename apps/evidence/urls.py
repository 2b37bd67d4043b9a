"""Addresses below /api/v1/."""

from django.urls import path

from apps.evidence import api

urlpatterns = [
    path("evidence", api.PacksView.as_view(), name="evidence"),
    path("evidence/<uuid:pack_id>", api.PackView.as_view(), name="evidence-pack"),
    path("evidence/<uuid:pack_id>/file", api.PackFileView.as_view(), name="evidence-file"),
]
