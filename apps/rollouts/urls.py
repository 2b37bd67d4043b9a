"""Addresses below /api/v1/."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from apps.registry.api import STAGES
from apps.rollouts import api


class StageConverter(StringConverter):
    """The name of a stage; any other word is no address."""

    regex = "|".join(STAGES)


register_converter(StageConverter, "stage")

_ROLLOUT = "rollouts/<uuid:rollout_id>"

urlpatterns = [
    path("rollouts", api.RolloutsView.as_view(), name="rollouts"),
    path(_ROLLOUT, api.RolloutView.as_view(), name="rollout"),
    path(f"{_ROLLOUT}/start", api.RolloutStartView.as_view(), name="rollout-start"),
    path(f"{_ROLLOUT}/promote", api.RolloutPromoteView.as_view(), name="rollout-promote"),
    path(f"{_ROLLOUT}/approve", api.RolloutApproveView.as_view(), name="rollout-approve"),
    path(f"{_ROLLOUT}/decline", api.RolloutDeclineView.as_view(), name="rollout-decline"),
    path(f"{_ROLLOUT}/finish", api.RolloutFinishView.as_view(), name="rollout-finish"),
    path(f"{_ROLLOUT}/roll-back", api.RolloutRollBackView.as_view(), name="rollout-roll-back"),
    path(f"{_ROLLOUT}/report", api.RolloutReportView.as_view(), name="rollout-report"),
    path(f"{_ROLLOUT}/looks", api.RolloutLooksView.as_view(), name="rollout-looks"),
    path("stages/<stage:stage>", api.StageView.as_view(), name="stage"),
    path("serving", api.ServingView.as_view(), name="serving"),
    path("serving/history", api.ServingEntriesView.as_view(), name="serving-history"),
    path("serving/history/<int:entry_number>/return", api.ServingReturnView.as_view(), name="serving-return"),
]
