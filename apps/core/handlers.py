"""The answers to errors outside of a REST view: problem+json below /api/, a page elsewhere.

Pages are `404.html`, `403.html`, …; they get `problem` (code, detail, status) and `request_id`. The pages of
500 and 503 are rendered without the request, because the database may be what is missing.
"""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from apps.core.context import current_request_id
from apps.core.problems import RETRY_AFTER_S, Problem, problem_of, problem_response, unforeseen, wants_problem

_STANDALONE = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)
_TEMPLATES = {400: "400.html", 403: "403.html", 404: "404.html", 500: "500.html", 503: "503.html"}


def problem_answer(request: HttpRequest, problem: Problem) -> HttpResponseBase:
    return problem_response(problem) if wants_problem(request) else error_page(request, problem)


def error_page(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The page of a problem; plain text where its template is missing."""
    template = _TEMPLATES.get(problem.status.value, "400.html")
    context = {"problem": problem, "request_id": current_request_id()}
    try:
        html = render_to_string(template, context, None if problem.status in _STANDALONE else request)
        response = HttpResponse(html, status=problem.status.value)
    except TemplateDoesNotExist:
        response = HttpResponse(problem.detail, status=problem.status.value, content_type="text/plain")
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = str(RETRY_AFTER_S)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    text = _("The request does not have the expected form.")
    return problem_answer(request, Problem("bad_request", text, HTTPStatus.BAD_REQUEST))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return problem_answer(request, problem_of(exception) or unforeseen())


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return problem_answer(request, problem_of(exception) or unforeseen())


def server_error(request: HttpRequest, *args: Any) -> HttpResponseBase:
    return problem_answer(request, unforeseen())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    text = _("The form was open for too long or came from another site. Load the page again and repeat.")
    return problem_answer(request, Problem("csrf_failed", text, HTTPStatus.FORBIDDEN))
