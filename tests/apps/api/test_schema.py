"""The API against its own document: generated requests meet no server error, answers have the said form."""

from collections import defaultdict
from itertools import cycle

import pytest
import schemathesis
from django.conf import settings as django_settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from webapp.wsgi import application

schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)
STATUSES: dict[str, set[int]] = defaultdict(set)
MANY = 40  # of 129 operations
CHECKS = (not_a_server_error, content_type_conformance, response_schema_conformance)


@pytest.fixture(scope="module", autouse=True)
def every_kind_of_answer():
    """After the generated ones; of two processes that share them one has seen half of them."""
    yield
    if len(STATUSES) >= MANY:
        assert {status for statuses in STATUSES.values() for status in statuses} >= {200, 400, 404}


@pytest.fixture(autouse=True)
def past_the_gate():
    """After all requests of one operation: none was taken for a stranger's, and a list was really read."""
    before = set(STATUSES)
    yield
    for label in STATUSES.keys() - before:
        assert 401 not in STATUSES[label], label
        assert 200 in STATUSES[label] or "{" in label or not label.startswith("GET"), label


@pytest.fixture
def one_connection():
    """Requests run inside the test's transaction, so none of them may close the connection at its end."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def cookies(one_connection, world):
    found = []
    for name in ("adam", "alice", "bob", "erin"):
        client = Client()
        client.force_login(world.people[name], backend="allauth.account.auth_backends.AuthenticationBackend")
        found.append(client.cookies[django_settings.SESSION_COOKIE_NAME].value)
    return cycle(found)


@schema.parametrize()
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_it_answers_as_it_says(case, cookies, monkeypatch):
    monkeypatch.setattr("rest_framework.authentication.SessionAuthentication.enforce_csrf", lambda *_: None)
    case.cookies = {django_settings.SESSION_COOKIE_NAME: next(cookies)}
    case.headers = {**(case.headers or {}), "X-Vidette-Purpose": "test"}
    response = case.call_and_validate(checks=CHECKS)
    STATUSES[case.operation.label].add(response.status_code)
