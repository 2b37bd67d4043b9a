"""Addresses below /api/v1/."""

from django.urls import path

from apps.redactions import api

_ONE = "redactions/<uuid:redaction_id>"
urlpatterns = [
    path("redactions", api.RedactionsView.as_view(), name="redactions"),
    path(_ONE, api.RedactionView.as_view(), name="redaction"),
    path(f"{_ONE}/pause", api.PauseView.as_view(), name="redaction-pause"),
    path(f"{_ONE}/resume", api.ResumeView.as_view(), name="redaction-resume"),
    path(f"{_ONE}/cancel", api.CancelView.as_view(), name="redaction-cancel"),
    path(f"{_ONE}/close", api.CloseView.as_view(), name="redaction-close"),
    path(f"{_ONE}/render", api.RenderView.as_view(), name="redaction-render"),
    path(f"{_ONE}/edits", api.EditsView.as_view(), name="redaction-edits"),
    path(f"{_ONE}/undo", api.UndoView.as_view(), name="redaction-undo"),
    path(f"{_ONE}/result", api.ResultView.as_view(), name="redaction-result"),
    path(f"{_ONE}/tracks", api.TracksView.as_view(), name="redaction-tracks"),
    path(f"{_ONE}/report", api.ReportView.as_view(), name="redaction-report"),
]
