"""Addresses below /api/v1/."""

from django.urls import path

from apps.consent import api, api_consents

_PURPOSE = "purposes/<uuid:purpose_id>"
_CONSENT = "consents/<uuid:consent_id>"

urlpatterns = [
    path("purposes", api.PurposesView.as_view(), name="purposes"),
    path(_PURPOSE, api.PurposeView.as_view(), name="purpose"),
    path(f"{_PURPOSE}/end", api.PurposeEndView.as_view(), name="purpose-end"),
    path(f"{_PURPOSE}/versions", api.PurposeVersionsView.as_view(), name="purpose-versions"),
    path("bases", api.BasesView.as_view(), name="bases"),
    path("cameras/<uuid:camera_id>/basis", api.CameraBasisView.as_view(), name="camera-basis"),
    path("cameras/<uuid:camera_id>/sign", api.CameraSignView.as_view(), name="camera-sign"),
    path("consents", api_consents.ConsentsView.as_view(), name="consents"),
    path(_CONSENT, api_consents.ConsentView.as_view(), name="consent"),
    path(f"{_CONSENT}/withdraw", api_consents.ConsentWithdrawView.as_view(), name="consent-withdraw"),
    path(f"{_CONSENT}/contact", api_consents.ConsentContactView.as_view(), name="consent-contact"),
    path(f"{_CONSENT}/document", api_consents.ConsentDocumentView.as_view(), name="consent-document"),
]
