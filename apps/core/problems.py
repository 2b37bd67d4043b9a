"""One mapping from an exception to what a client is told: a stable code, a sentence, a status (RFC 9457)."""

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from apps.core.context import current_request_id
from apps.core.errors import DomainError, Invalid, NotFound

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:vidette:problem:"
RETRY_AFTER_S = 5


@dataclass(frozen=True)
class Problem:
    """What is wrong, in a form for people and for programs."""

    code: str
    detail: str
    status: HTTPStatus
    errors: dict[str, Any] | None = None

    def body(self, request_id: str) -> dict[str, Any]:
        content: dict[str, Any] = {
            "type": TYPE_PREFIX + self.code,
            "title": self.status.phrase,
            "status": self.status.value,
            "code": self.code,
            "detail": self.detail,
            "request_id": request_id,
        }
        return content | ({"errors": self.errors} if self.errors else {})


def problem_of(error: BaseException) -> Problem | None:
    """The problem that a known exception stands for; None for one that nobody foresaw."""
    if isinstance(error, Invalid):
        return Problem(
            error.code, error.message, error.status, {error.field: [error.message]} if error.field else None
        )
    if isinstance(error, DomainError):
        return Problem(error.code, error.message, error.status)
    if isinstance(error, Http404):
        return problem_of(NotFound(_("page")))
    if isinstance(error, PermissionDenied):
        return Problem("forbidden", _("This is not open to you."), HTTPStatus.FORBIDDEN)
    return _part_away(error)


def _part_away(error: BaseException) -> Problem | None:
    if isinstance(error, OperationalError):
        logger.error("the database did not answer: %s", error)
        return Problem("database_unavailable", _unavailable(), HTTPStatus.SERVICE_UNAVAILABLE)
    if isinstance(error, RedisError):
        logger.error("Redis did not answer: %s", type(error).__name__)  # its words may hold the address
        return Problem("redis_unavailable", _redis_away(), HTTPStatus.SERVICE_UNAVAILABLE)
    return None


def unforeseen() -> Problem:
    text = _("Something went wrong on the server. The request id finds the reason in its log.")
    return Problem("internal_error", text, HTTPStatus.INTERNAL_SERVER_ERROR)


def problem_response(problem: Problem) -> JsonResponse:
    """The answer of an API address outside of a REST view."""
    body = problem.body(current_request_id())
    response = JsonResponse(body, status=problem.status.value, content_type=CONTENT_TYPE)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = str(RETRY_AFTER_S)
    return response


def wants_problem(request: HttpRequest) -> bool:
    """API addresses answer with problem+json, whatever the client says that it accepts."""
    return request.path.startswith("/api/")


def _redis_away() -> str:
    return _(
        "Redis, which passes work and live pictures on, does not answer. Try again in a few seconds; if it "
        "stays away, an administrator can see on the page Health what is missing."
    )


def _unavailable() -> str:
    return _("The database is busy or away. Try again in a few seconds.")
