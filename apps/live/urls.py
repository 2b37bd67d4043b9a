"""Addresses below /api/v1/."""

from django.urls import path

from apps.live import api

urlpatterns = [path("tickets", api.TicketsView.as_view(), name="tickets")]
