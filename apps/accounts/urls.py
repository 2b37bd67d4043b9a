"""Addresses below /accounts/ beside those of allauth."""

from django.urls import path

from apps.accounts import views

urlpatterns = [path("sessions/<int:session_id>/end/", views.session_end, name="session_end")]
