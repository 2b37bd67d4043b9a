"""The addresses of rollouts and of the time machine."""

from django.urls import URLPattern, path

from apps.console.views import rollouts, served

_ROLLOUT = "rollouts/<uuid:rollout_id>"

urlpatterns: list[URLPattern] = [
    path("rollouts/", rollouts.rollouts, name="rollouts"),
    path("rollouts/add/", rollouts.rollout_add, name="rollout_add"),
    path(f"{_ROLLOUT}/", rollouts.rollout, name="rollout"),
    path(f"{_ROLLOUT}/live/", rollouts.rollout_live, name="rollout_live"),
    path(f"{_ROLLOUT}/series.json", rollouts.rollout_series, name="rollout_series"),
    path(f"{_ROLLOUT}/report.pdf", rollouts.rollout_report, name="rollout_report"),
    path(f"{_ROLLOUT}/start/", rollouts.rollout_start, name="rollout_start"),
    path(f"{_ROLLOUT}/promote/", rollouts.rollout_promote, name="rollout_promote"),
    path(f"{_ROLLOUT}/approve/", rollouts.rollout_approve, name="rollout_approve"),
    path(f"{_ROLLOUT}/decline/", rollouts.rollout_decline, name="rollout_decline"),
    path(f"{_ROLLOUT}/finish/", rollouts.rollout_finish, name="rollout_finish"),
    path(f"{_ROLLOUT}/roll-back/", rollouts.rollout_roll_back, name="rollout_roll_back"),
    path("serving/<int:entry_number>/return/", rollouts.serving_return, name="serving_return"),
    path("cameras/<uuid:camera_id>/served/", served.served, name="served"),
]
