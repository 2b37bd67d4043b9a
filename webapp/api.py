"""The router of /api/v1/: each app's addresses, and the document that describes them."""

from typing import Any

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from apps.core.problems import CONTENT_TYPE

app_name = "api"

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("", include("apps.cameras.urls")),
    path("", include("apps.registry.urls")),
    path("", include("apps.consent.urls")),
    path("", include("apps.detections.urls")),
    path("", include("apps.recordings.urls")),
    path("", include("apps.redactions.urls")),
    path("", include("apps.evidence.urls")),
    path("", include("apps.cases.urls")),
    path("", include("apps.evaluations.urls")),
    path("", include("apps.monitoring.api_urls")),
    path("", include("apps.rollouts.urls")),
    path("", include("apps.dispatch.urls")),
    path("", include("apps.live.urls")),
    path("", include("apps.audit.urls")),
]

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; `detail` is a sentence for people.",
    "required": ["type", "title", "status", "code", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "example": "urn:vidette:problem:not_found"},
        "title": {"type": "string", "example": "Not Found"},
        "status": {"type": "integer", "example": 404},
        "code": {"type": "string", "example": "not_found"},
        "detail": {"type": "string", "example": "No such camera, or it is not open to you."},
        "request_id": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {}},
    },
}
_METHODS = ("get", "post", "put", "patch", "delete")


def problems_described(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Every operation answers refusals and errors with a problem: said once for each in the document."""
    result["components"]["schemas"]["Problem"] = _PROBLEM
    answer = {
        "description": "A refusal or an error.",
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for operations in result["paths"].values():
        for method in _METHODS:
            if method in operations:
                operations[method]["responses"]["default"] = answer
    return result
