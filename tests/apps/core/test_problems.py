"""What a person and a program are told when something is refused or goes wrong."""

import json

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.apps.core.views")]

EXPECTED = {
    "missing": (404, "not_found"),
    "conflict": (409, "changed_meanwhile"),
    "unavailable": (503, "audit_unavailable"),
    "http404": (404, "not_found"),
    "denied": (403, "forbidden"),
    "busy": (503, "database_unavailable"),
    "redis": (503, "redis_unavailable"),
    "bug": (500, "internal_error"),
}


@pytest.fixture
def api(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("alice", role="operator"))
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("name", EXPECTED)
def test_the_api_answers_with_a_problem(name, api):
    status, code = EXPECTED[name]
    response = api.get(f"/api/v1/fail/{name}/", headers={"X-Request-ID": "request-0001"})
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert body["type"] == f"urn:vidette:problem:{code}"
    assert (body["status"], body["code"], body["request_id"]) == (status, code, "request-0001")
    assert body["detail"]
    assert "secret" not in response.content.decode()
    assert response.has_header("Retry-After") is (status == 503)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_page_answers_with_the_page_of_its_status(name, api):
    response = api.get(f"/page/{name}/", headers={"X-Request-ID": "request-0001"})
    assert response.status_code == EXPECTED[name][0]
    assert response["Content-Type"].split(";")[0] in ("text/html", "text/plain")
    assert "secret" not in response.content.decode()
    assert response["X-Request-ID"] == "request-0001"


def test_an_address_that_is_none_answers_like_one_that_is_closed(api):
    missing = json.loads(api.get("/api/v1/nothing/").content)
    assert (missing["code"], missing["status"]) == ("not_found", 404)


def test_what_is_not_found_is_said_in_the_readers_language(api):
    body = json.loads(api.get("/api/v1/nothing/", headers={"Accept-Language": "ru"}).content)
    assert body["detail"] == "Не найдено или не открыто для вас: страница."


def test_wrong_fields_are_named(api, django_user_model):
    api.force_login(django_user_model.objects.create_user("adam", role="administrator"))
    response = api.post("/api/v1/who/", {"number": "many"}, content_type="application/json")
    body = json.loads(response.content)
    assert (response.status_code, body["code"]) == (400, "invalid")
    assert list(body["errors"]) == ["number"]


@pytest.mark.parametrize(
    ("method", "options", "status", "code"),
    [
        ("post", {"data": "{", "content_type": "application/json"}, 400, "malformed_body"),
        ("post", {"data": "x", "content_type": "text/csv"}, 415, "unsupported_media_type"),
        ("get", {"headers": {"Accept": "text/html"}}, 406, "not_acceptable"),
    ],
)
def test_drfs_own_refusals_are_problems_too(method, options, status, code, api, django_user_model):
    api.force_login(django_user_model.objects.create_user("adam", role="administrator"))
    response = getattr(api, method)("/api/v1/who/", **options)
    assert (response.status_code, json.loads(response.content)["code"]) == (status, code)


def test_without_a_sign_in_the_api_says_how(client):
    response = client.get("/api/v1/who/")
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Token")
    assert json.loads(response.content)["code"] == "not_authenticated"


def test_a_post_from_another_site_is_refused(django_user_model):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(django_user_model.objects.create_user("adam", role="administrator"))
    response = client.post("/api/v1/who/", {"number": 1}, content_type="application/json")
    assert response.status_code == 403
    assert json.loads(response.content)["code"] == "forbidden"
    assert client.post("/accounts/logout/").status_code == 403
