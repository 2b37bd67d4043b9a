"""The addresses of evidence packs."""

from django.urls import URLPattern, path

from apps.console.views import evidence

urlpatterns: list[URLPattern] = [
    path("evidence/", evidence.evidence, name="evidence"),
    path("evidence/add/", evidence.evidence_choose, name="evidence_choose"),
    path("evidence/verifiers/<str:name>", evidence.evidence_verifier, name="evidence_verifier"),
    path("evidence/<uuid:pack_id>/", evidence.evidence_pack, name="evidence_pack"),
    path("evidence/<uuid:pack_id>/delete/", evidence.evidence_delete, name="evidence_delete"),
    path("evidence/<uuid:pack_id>.zip", evidence.evidence_file, name="evidence_file"),
    path("cameras/<uuid:camera_id>/evidence/", evidence.evidence_add, name="evidence_add"),
]
