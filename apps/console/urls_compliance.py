"""The addresses of the duties, the register of purposes, consents, and of the public notices."""

from django.urls import URLPattern, path

from apps.console.views import audit_pack, consents, duties, notices, purposes

urlpatterns: list[URLPattern] = [
    path("duties/", duties.duties, name="duties"),
    path("audit-pack/", audit_pack.audit_pack, name="audit_pack"),
    path("purposes/", purposes.purposes, name="purposes"),
    path("purposes/add/", purposes.purpose_add, name="purpose_add"),
    path("purposes/<uuid:purpose_id>/", purposes.purpose, name="purpose"),
    path("purposes/<uuid:purpose_id>/edit/", purposes.purpose_edit, name="purpose_edit"),
    path("purposes/<uuid:purpose_id>/end/", purposes.purpose_end, name="purpose_end"),
    path("consents/", consents.consents, name="consents"),
    path("consents/add/", consents.consent_add, name="consent_add"),
    path("consents/<uuid:consent_id>/", consents.consent, name="consent"),
    path("consents/<uuid:consent_id>/withdraw/", consents.consent_withdraw, name="consent_withdraw"),
    path("consents/<uuid:consent_id>/contact/", consents.consent_contact, name="consent_contact"),
    path("consents/<uuid:consent_id>/document/", consents.consent_document, name="consent_document"),
    path("cameras/<uuid:camera_id>/sign.pdf", notices.camera_sign, name="camera_sign"),
    path("notice/<slug:code>/", notices.notice, name="notice"),
]
