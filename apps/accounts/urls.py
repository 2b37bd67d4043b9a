"""Addresses below /accounts/; they come before those of allauth and close some of them."""

from django.urls import path, re_path

from apps.accounts import views

urlpatterns = [
    path("sessions/<int:session_id>/end/", views.session_end, name="session_end"),
    re_path(r"^(?:signup|email|confirm-email|password/reset)/", views.by_administrator, name="closed"),
]
