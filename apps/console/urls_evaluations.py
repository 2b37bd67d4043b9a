"""The addresses of the pages that compare models."""

from django.urls import URLPattern, path

from apps.console.views import evaluations, labelled_sets

_ONE = "evaluations/<uuid:evaluation_id>"
urlpatterns: list[URLPattern] = [
    path("evaluations/", evaluations.evaluations, name="evaluations"),
    path("evaluations/add/", evaluations.evaluation_add, name="evaluation_add"),
    path("evaluations/sets/<uuid:set_id>/", labelled_sets.labelled_set, name="labelled_set"),
    path("evaluations/sets/<uuid:set_id>/must-pass/", labelled_sets.must_pass, name="must_pass"),
    path(f"{_ONE}/", evaluations.evaluation, name="evaluation"),
    path(f"{_ONE}/state/", evaluations.evaluation_state, name="evaluation_state"),
    path(f"{_ONE}/cancel/", evaluations.evaluation_cancel, name="evaluation_cancel"),
    path(f"{_ONE}/report.pdf", evaluations.evaluation_report, name="evaluation_report"),
    path(f"{_ONE}/pictures/<int:number>.jpg", evaluations.evaluation_picture, name="evaluation_picture"),
    path("models/<uuid:version_id>/speed/", evaluations.model_speed, name="model_speed"),
]
