"""Addresses below /api/v1/."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from apps.registry import api, api_zones


class StageConverter(StringConverter):
    """The name of a stage; any other word is no address."""

    regex = "|".join(api.STAGES)


register_converter(StageConverter, "stage")

urlpatterns = [
    path("models", api.VersionsView.as_view(), name="models"),
    path("models/<uuid:version_id>", api.VersionView.as_view(), name="model"),
    path("models/<uuid:version_id>/retire", api.RetireView.as_view(), name="model_retire"),
    path("model-families", api.FamiliesView.as_view(), name="model_families"),
    path("model-families/<uuid:family_id>", api.FamilyView.as_view(), name="model_family"),
    path("stages", api.StagesView.as_view(), name="stages"),
    path("stages/<stage:stage>", api.StageView.as_view(), name="stage"),
    path(
        "cameras/<uuid:camera_id>/zones/<uuid:zone_id>/detector",
        api_zones.ZoneDetectorView.as_view(),
        name="zone-detector",
    ),
]
