"""The addresses of the pages that redact files."""

from django.urls import URLPattern, path

from apps.console.views import redactions

_ONE = "redactions/<uuid:redaction_id>"
urlpatterns: list[URLPattern] = [
    path("redactions/", redactions.redactions, name="redactions"),
    path("redactions/rows/", redactions.redaction_rows, name="redaction_rows"),
    path(f"{_ONE}/", redactions.redaction, name="redaction"),
    path(f"{_ONE}/change/", redactions.redaction_change, name="redaction_change"),
    path(f"{_ONE}/result", redactions.redaction_result, name="redaction_result"),
    path(f"{_ONE}/tracks.json", redactions.redaction_tracks, name="redaction_tracks"),
    path(f"{_ONE}/report.json", redactions.redaction_report, name="redaction_report"),
]
