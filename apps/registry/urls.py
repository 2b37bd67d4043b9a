"""Addresses below /api/v1/."""

from django.urls import path

from apps.registry import api, api_cascades, api_zones

urlpatterns = [
    path("models", api.VersionsView.as_view(), name="models"),
    path("models/<uuid:version_id>/retire", api.RetireView.as_view(), name="model_retire"),
    path("model-families", api.FamiliesView.as_view(), name="model_families"),
    path("model-families/<uuid:family_id>", api.FamilyView.as_view(), name="model_family"),
    path("stages", api.StagesView.as_view(), name="stages"),
    path(
        "cameras/<uuid:camera_id>/zones/<uuid:zone_id>/detector",
        api_zones.ZoneDetectorView.as_view(),
        name="zone-detector",
    ),
    path("cameras/<uuid:camera_id>/cascades", api_cascades.CascadesView.as_view(), name="cascades"),
    path(
        "cameras/<uuid:camera_id>/cascades/<uuid:cascade_id>",
        api_cascades.CascadeView.as_view(),
        name="cascade",
    ),
]
