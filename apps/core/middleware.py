"""Gives every request an id and an audit context, and turns the domain's errors into answers."""

import ipaddress
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from apps.core.context import (
    AuditContext,
    accepted_request_id,
    async_request_scope,
    clean_purpose,
    context_for,
    request_scope,
)
from apps.core.errors import Unavailable
from apps.core.handlers import problem_answer
from apps.core.problems import problem_of

REQUEST_ID_HEADER = "X-Request-ID"
PURPOSE_HEADER = "X-Vidette-Purpose"
PURPOSE_KEY = "purpose"


class RequestContextMiddleware:
    """The outermost one: all below it, and the log, knows the request's id (also sent as `X-Request-ID`)."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self.__acall__(request)
        request_id = _identified(request)
        with request_scope(lambda: context_of(request), request_id) as scope:
            response: HttpResponseBase = self.get_response(request)
            with suppress(Unavailable):  # it is noted as a failure
                scope.finish()
            response = _answer(request, response, scope.failures)
        response[REQUEST_ID_HEADER] = request_id
        return response

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = _identified(request)
        async with async_request_scope(lambda: context_of(request), request_id) as scope:
            response: HttpResponseBase = await self.get_response(request)
            if scope.at_end:
                with suppress(Unavailable):
                    await sync_to_async(scope.finish)()
            if scope.failures:
                response = await sync_to_async(_answer)(request, response, scope.failures)
        response[REQUEST_ID_HEADER] = request_id
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Answers what the domain refuses; other errors go on to Django's log and error page."""
        problem = problem_of(error)
        return problem_answer(request, problem) if problem is not None else None


def _answer(
    request: HttpRequest, response: HttpResponseBase, failures: Sequence[Exception]
) -> HttpResponseBase:
    """No record, no answer: a page that caught the error and went on does not get its way."""
    problem = problem_of(failures[0]) if failures else None
    if problem is None or response.status_code == problem.status:
        return response
    return problem_answer(request, problem)


def context_of(request: HttpRequest) -> AuditContext:
    """The audit context of a request, with the user that is known by now."""
    return context_for(
        getattr(request, "user", None),
        address=client_address(request),
        request_id=request.META["vidette.request_id"],
        purpose=purpose_of(request),
    )


def purpose_of(request: HttpRequest) -> str:
    """What the client says the access is for: a header in the API, the choice on the page else."""
    stated = request.headers.get(PURPOSE_HEADER, "")
    session = getattr(request, "session", None)
    if not stated and session is not None:
        stated = str(session.get(PURPOSE_KEY, ""))
    return clean_purpose(stated)


def client_address(request: HttpRequest) -> str:
    """The client's address: the last one that a trusted proxy has not written itself."""
    return forwarded_address(
        request.META.get("REMOTE_ADDR") or "", request.headers.get("X-Forwarded-For", "")
    )


def forwarded_address(peer: str, forwarded: str) -> str:
    """Walks `X-Forwarded-For` from the right for as long as the speaker is one of TRUSTED_PROXIES."""
    address = peer
    for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        if not _within(address, settings.TRUSTED_PROXIES) or not _is_address(hop):
            break
        address = hop
    return address if _is_address(address) else ""


def _identified(request: HttpRequest) -> str:
    request_id = accepted_request_id(request.headers.get(REQUEST_ID_HEADER, ""))
    request.META["vidette.request_id"] = request_id
    return request_id


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _within(address: str, networks: Sequence[str]) -> bool:
    if not _is_address(address):
        return False
    value = ipaddress.ip_address(address)
    return any(value in ipaddress.ip_network(network, strict=False) for network in networks)
