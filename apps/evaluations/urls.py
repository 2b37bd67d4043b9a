"""Addresses below /api/v1/."""

from django.urls import path

from apps.evaluations import api

_ONE = "evaluations/<uuid:evaluation_id>"
urlpatterns = [
    # A version's answer says where its gate stands, which the registry below does not know.
    path("models/<uuid:version_id>", api.VersionView.as_view(), name="model"),
    path("evaluations", api.EvaluationsView.as_view(), name="evaluations"),
    path("evaluations/comparisons", api.ComparisonsView.as_view(), name="comparisons"),
    path("evaluations/replays", api.ReplaysView.as_view(), name="replays"),
    path("evaluations/variants", api.VariantsView.as_view(), name="variants"),
    path(_ONE, api.EvaluationView.as_view(), name="evaluation"),
    path(f"{_ONE}/result", api.EvaluationResultView.as_view(), name="evaluation-result"),
    path(f"{_ONE}/pictures/<int:number>", api.EvaluationPictureView.as_view(), name="evaluation-picture"),
    path(f"{_ONE}/cancel", api.EvaluationCancelView.as_view(), name="evaluation-cancel"),
    path("labelled-sets", api.SetsView.as_view(), name="labelled-sets"),
    path("labelled-sets/<uuid:set_id>", api.SetView.as_view(), name="labelled-set"),
    path("labelled-sets/<uuid:set_id>/pictures", api.SetPicturesView.as_view(), name="labelled-set-pictures"),
    path("labelled-sets/<uuid:set_id>/must-pass", api.MustPassView.as_view(), name="labelled-set-must-pass"),
]
