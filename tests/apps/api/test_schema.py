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
CHECKS = (not_a_server_error, content_type_conformance, response_schema_conformance)


@pytest.fixture(scope="module", autouse=True)
def past_the_gate():
    """After the generated ones: every list was really read, and no request was taken for a stranger's."""
    yield
    assert {status for statuses in STATUSES.values() for status in statuses} >= {200, 400, 404}
    assert not any(401 in statuses for statuses in STATUSES.values())
    lists = [label for label in STATUSES if label.startswith("GET") and "{" not in label]
    assert [label for label in lists if 200 not in STATUSES[label]] == []


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
