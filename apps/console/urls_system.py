"""The addresses of the pages that keep the system: models, record, people, health, integrators."""

from django.urls import URLPattern, path

from apps.console.views import alerts, cascades, health, integrate, model_versions, people, record, registry

urlpatterns: list[URLPattern] = [
    path("models/", registry.models, name="models"),
    path("models/assign/", registry.stage_assign, name="stage_assign"),
    path("models/upload/", model_versions.upload, name="model_upload"),
    path("models/families/", model_versions.families, name="model_families"),
    path("models/families/add/", model_versions.family_add, name="model_family_add"),
    path("models/families/<uuid:family_id>/", model_versions.family, name="model_family"),
    path("models/<uuid:version_id>/", model_versions.version, name="model"),
    path("models/<uuid:version_id>/checks/", model_versions.version_checks, name="model_checks"),
    path("models/<uuid:version_id>/retire/", model_versions.version_retire, name="model_retire"),
    path(
        "cameras/<uuid:camera_id>/zones/<uuid:zone_id>/detector/",
        registry.zone_detector,
        name="zone_detector",
    ),
    path("models/cascades/", cascades.cascades, name="cascades"),
    path("models/cascades/add/", cascades.cascade_choose, name="cascade_choose"),
    path("cameras/<uuid:camera_id>/cascades/add/", cascades.cascade_add, name="cascade_add"),
    path("cameras/<uuid:camera_id>/cascades/<uuid:cascade_id>/", cascades.cascade_edit, name="cascade_edit"),
    path(
        "cameras/<uuid:camera_id>/cascades/<uuid:cascade_id>/remove/",
        cascades.cascade_remove,
        name="cascade_remove",
    ),
    path("record/", record.record, name="record"),
    path("record/export/", record.export, name="record_export"),
    path("record/check/", record.record_check, name="record_check"),
    path("people/", people.people, name="people"),
    path("people/add/", people.person_create, name="person_create"),
    path("people/<uuid:user_id>/", people.person, name="person"),
    path("people/<uuid:user_id>/role/", people.person_role, name="person_role"),
    path("people/<uuid:user_id>/password/", people.person_password, name="person_password"),
    path("people/<uuid:user_id>/active/", people.person_active, name="person_active"),
    path("people/<uuid:user_id>/sign-out/", people.person_sign_out, name="person_sign_out"),
    path("people/<uuid:user_id>/grants/give/", people.grant_give, name="grant_give"),
    path("people/<uuid:user_id>/grants/revoke/", people.grant_revoke, name="grant_revoke"),
    path("tokens/add/", people.token_create, name="token_create"),
    path("tokens/<str:digest>/revoke/", people.token_revoke, name="token_revoke"),
    path("alerts/", alerts.alerts, name="alerts"),
    path("alerts/<uuid:alert_id>/", alerts.alert, name="alert"),
    path("alerts/<uuid:alert_id>/acknowledge/", alerts.alert_acknowledge, name="alert_acknowledge"),
    path("alerts/<uuid:alert_id>/close/", alerts.alert_close, name="alert_close"),
    path("cameras/<uuid:camera_id>/leaks/lower/", alerts.policy_lower, name="policy_lower"),
    path("health/", health.health, name="health"),
    path("integrate/", integrate.integrate, name="integrate"),
]
