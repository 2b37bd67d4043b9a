"""The permission matrix: every address × method × person × own and foreign object."""

import re
from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.apps.api.matrix import EVERYBODY, PREFIXES, PUBLIC, ROWS, Row

_ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")
_REFUSED = (401, 403, 404)
_API_METHODS = ("get", "post", "put", "patch", "delete")


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern).removeprefix("^").removesuffix("$")
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern, route)
        else:
            yield route, pattern


ROUTES = dict(_routes(get_resolver()))


def _needs_rows(route: str) -> bool:
    return route not in PUBLIC and not any(route.startswith(prefix) for prefix in PREFIXES)


def test_every_address_has_a_row():
    missing = sorted({route for route in ROUTES if _needs_rows(route)} - {row.route for row in ROWS})
    assert missing == [], "addresses without a row in tests/apps/api/matrix.py"


def test_every_row_has_an_address():
    stale = sorted({row.route for row in ROWS} | PUBLIC.keys() - ROUTES.keys() - {row.route for row in ROWS})
    assert [route for route in stale if route not in ROUTES] == []


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.startswith("api/") and _needs_rows(route)]
)
def test_every_method_of_the_api_has_a_row(route):
    view = ROUTES[route].callback.view_class
    offered = {method.upper() for method in _API_METHODS if hasattr(view, method)}
    assert {row.method for row in ROWS if row.route == route} == offered


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if hasattr(ROUTES[route].callback, "methods") and _needs_rows(route)]
)
def test_every_method_of_the_pages_has_a_row(route):
    assert {row.method for row in ROWS if row.route == route} == set(ROUTES[route].callback.methods)


def _ask(client: Client, row: Row, kwargs: dict[str, object]):
    path = "/" + _ARGUMENT.sub(lambda match: str(kwargs[match[1]]), row.route)
    if row.method == "GET":
        return client.get(path, headers={"X-Vidette-Purpose": "test"})
    if not row.route.startswith("api/"):
        return client.post(path, {})
    content_type = "image/jpeg" if row.route.endswith("frames") else "application/json"
    return client.generic(
        row.method, path, b"{}", content_type=content_type, headers={"X-Vidette-Purpose": "test"}
    )


def _verdict(row: Row, response) -> str:
    assert response.status_code < 500, f"{row}: {response.status_code} {response.content[:300]!r}"
    if response.status_code in _REFUSED:
        return "refused"
    if response.status_code in (301, 302) and "/accounts/login" in response["Location"]:
        return "refused"
    if row.method == "GET" and row.route:
        assert response.status_code == 200, f"{row}: {response.status_code} {response.content[:300]!r}"
    return "passed"


def _body(response) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode("utf-8", "replace")


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_gate(row, world):
    own, foreign = world.own, world.foreign
    cases = [("own", own, row.own)] + ([("foreign", foreign, row.foreign)] if row.foreign is not None else [])
    for whose, place, allowed in cases:
        for name, user in world.people.items():
            if name == "frank" and "frank" not in row.own.split():
                continue
            client = Client(raise_request_exception=False)
            client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
            with transaction.atomic():
                response = _ask(client, row, place.kwargs)
                asked = response.wsgi_request.path
                verdict = _verdict(row, response)
                transaction.set_rollback(True)
            expected = "passed" if name in allowed.split() else "refused"
            assert verdict == expected, (
                f"{row}, {whose}, {name}: {response.status_code} {_body(response)[:200]}"
            )
            _check_leaks(row, name, _body(response).replace(asked, ""), own.marks, foreign.marks)


def _check_leaks(row: Row, name: str, body: str, own: tuple[str, ...], foreign: tuple[str, ...]) -> None:
    """charlie learns nothing, and an operator nothing of the other site. The id that was asked for may be
    repeated by the page that refuses it."""
    hidden = {"charlie": own + foreign, "erin": own + foreign, "alice": foreign, "dana": own}.get(name, ())
    leaked = [mark for mark in hidden if mark in body]
    assert leaked == [], f"{row}: {name} learns {leaked}"


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_visitor_is_refused(row, world):
    response = _ask(Client(raise_request_exception=False), row, world.own.kwargs)
    assert _verdict(row, response) == "refused"
    _check_leaks(row, "charlie", _body(response), world.own.marks, world.foreign.marks)


@pytest.mark.parametrize("route", [route for route in ROUTES if not _needs_rows(route) and "<" not in route])
def test_prefixes_and_public_addresses_name_no_object(route, world):
    if "(?P" in route:
        return
    allowed = next((who for prefix, who in PREFIXES.items() if route.startswith(prefix)), EVERYBODY)
    for name in ("charlie", "alice"):
        client = Client(raise_request_exception=False)
        client.force_login(world.people[name], backend="allauth.account.auth_backends.AuthenticationBackend")
        response = client.get("/" + route, REMOTE_ADDR="203.0.113.9")
        assert response.status_code < 500 or route == "readyz"
        if name not in allowed.split():
            assert response.status_code != 200 or "password" in _body(response)
        _check_leaks(Row(route, "GET", ""), name, _body(response), world.own.marks, world.foreign.marks)
