"""What every REST view shares: errors as problem+json, keyset pages, and rights that each view names."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import IO, Any, ClassVar, cast

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.pagination import BasePagination
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from apps.core.context import current_request_id
from apps.core.errors import Invalid
from apps.core.pagination import keyset_page
from apps.core.problems import CONTENT_TYPE, RETRY_AFTER_S, Problem, problem_of

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

_CODES: dict[type[exceptions.APIException], str] = {
    exceptions.ValidationError: "invalid",
    exceptions.ParseError: "malformed_body",
    exceptions.AuthenticationFailed: "not_authenticated",
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.PermissionDenied: "forbidden",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.Throttled: "too_many_requests",
}


class ApiView(APIView):
    """A view that names the right for each method; one that names none is refused to everybody.

    `capability` and `required_action` hold values of `accounts.roles.Capability` and
    `accounts.models.TokenAction`, or one mapping from the HTTP method to such a value.
    """

    capability: ClassVar[str | Mapping[str, str]] = {}
    required_action: ClassVar[str | Mapping[str, str]] = {}


def problem_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler; None hands an unforeseen error to Django, which logs and reports it."""
    problem = problem_of(error)
    if problem is None and isinstance(error, exceptions.APIException):
        problem = _problem_of_api(error)
    if problem is None:
        return None
    response = Response(
        problem.body(current_request_id()),
        status=problem.status.value,
        content_type=CONTENT_TYPE,
        headers=_headers(error, context, problem),
    )
    response.exception = True
    return response


def _headers(error: Exception, context: Mapping[str, Any], problem: Problem) -> dict[str, str]:
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": str(RETRY_AFTER_S)}
    standard = exception_handler(error, dict(context)) if isinstance(error, exceptions.APIException) else None
    return (
        {name: standard[name] for name in ("WWW-Authenticate", "Retry-After") if name in standard}
        if standard
        else {}
    )


def _problem_of_api(error: exceptions.APIException) -> Problem:
    code = next((name for kind, name in _CODES.items() if isinstance(error, kind)), "error")
    status = HTTPStatus(error.status_code)
    if isinstance(error, exceptions.ValidationError):
        return Problem(
            code, _("Some fields do not have the expected form."), status, _field_errors(error.detail)
        )
    return Problem(code, str(error.detail), status)


def _field_errors(detail: Any) -> dict[str, Any]:
    return detail if isinstance(detail, dict) else {"non_field_errors": detail}


class KeysetPagination(BasePagination):
    """`?cursor=…&limit=…`; the view (or a subclass) names the `ordering`, unique together.

    Answers `{"results": […], "next_cursor": "…" or null}`.
    """

    ordering: Sequence[str] = ("pk",)
    default_limit = DEFAULT_LIMIT
    max_limit = MAX_LIMIT
    _next_cursor = ""

    def paginate_queryset(  # type: ignore[override]  # rows of the database, not any sequence
        self, queryset: QuerySet[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        page = keyset_page(
            queryset,
            ordering=getattr(view, "keyset_ordering", self.ordering),
            limit=self._limit(request),
            cursor=request.query_params.get("cursor", ""),
        )
        self._next_cursor = page.next_cursor
        return page.items

    def _limit(self, request: Request) -> int:
        text = request.query_params.get("limit", "") or str(self.default_limit)
        if text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= self.max_limit:
            return int(text)
        message = _("limit: expected a whole number from 1 to %s.") % self.max_limit
        raise Invalid("bad_limit", message, field="limit")

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next_cursor": self._next_cursor or None})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next_cursor"],
            "properties": {
                "results": schema,
                "next_cursor": {"type": "string", "nullable": True, "example": "W1siLXNlcSJdLFs0MV1d"},
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return [
            _parameter("cursor", "`next_cursor` of the page before.", {"type": "string"}),
            _parameter(
                "limit",
                "Rows per page.",
                {"type": "integer", "minimum": 1, "maximum": self.max_limit, "default": self.default_limit},
            ),
        ]


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


class UnreadForm(BaseParser):
    """A multipart form that is handed on unread: rights and space are asked before its first byte."""

    media_type = "multipart/form-data"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        return {"stream": stream}


def unread_form(request: Request) -> IO[bytes]:
    """The stream of a view with `UnreadForm`; a request without a body has none."""
    data = cast(Any, request.data)
    if "stream" not in data:
        raise Invalid("malformed_body", _("Expected a form with a file in the field “file”."), field="file")
    return cast(IO[bytes], data["stream"])
