"""The answer that is a picture: it says how it was redacted and is kept by no cache."""

from django.http import HttpResponse

REDACTION_HEADER = "X-Vidette-Redaction"


def jpeg_response(jpeg: bytes, redaction: str) -> HttpResponse:
    response = HttpResponse(jpeg, content_type="image/jpeg")
    response[REDACTION_HEADER] = redaction or "redacted"
    response["Cache-Control"] = "private, no-store"
    response["Content-Disposition"] = "inline"
    return response
