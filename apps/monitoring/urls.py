"""Addresses without a prefix and without a slash at the end, as orchestrators expect them."""

from django.urls import path

from apps.monitoring import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
]
