"""Request ids, addresses and purposes: what is believed of what a client says."""

import pytest
from django.test import AsyncClient

from apps.core.context import (
    accepted_request_id,
    audit_context,
    clean_purpose,
    current_context,
    system_context,
)
from apps.core.middleware import forwarded_address

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.apps.core.views")]


@pytest.fixture
def alice(django_user_model):
    return django_user_model.objects.create_user("alice", role="operator")


def test_the_context_of_a_request(client, alice):
    client.force_login(alice)
    headers = {"X-Request-ID": "request-0001", "X-Vidette-Purpose": "shift handover"}
    found = client.get("/context/", headers=headers, REMOTE_ADDR="192.0.2.7").json()
    assert found == {
        "actor_id": str(alice.pk),
        "actor_name": "alice",
        "actor_role": "operator",
        "address": "192.0.2.7",
        "request_id": "request-0001",
        "purpose": "shift handover",
        "token": "",
    }


def test_the_purpose_chosen_on_the_page_stays_with_the_session(client, alice):
    client.force_login(alice)
    session = client.session
    session["purpose"] = "event triage"
    session.save()
    assert client.get("/context/").json()["purpose"] == "event triage"


def test_a_visitor_is_anonymous(client):
    assert client.get("/context/").json()["actor_name"] == "anonymous"


async def test_the_id_is_answered_by_an_async_view_as_well():
    response = await AsyncClient().get("/async/", headers={"X-Request-ID": "request-0001"})
    assert response["X-Request-ID"] == "request-0001"
    assert response.json()["request_id"] == "request-0001"


@pytest.mark.parametrize(
    "offered", ["", "short", "a b c d e f g h", "x" * 65, "a\nSet-Cookie: b=c", "<script>aaaaa"]
)
def test_mallory_cannot_choose_a_strange_request_id(offered):
    accepted = accepted_request_id(offered)
    assert accepted != offered
    assert len(accepted) == 32


def test_a_purpose_is_one_printable_line():
    assert clean_purpose("  live\x00\nmonitoring\u202e ") == "live monitoring"
    assert len(clean_purpose("x" * 500)) == 80


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),  # not one of ours: it may say what it likes
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.5, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("", "198.51.100.1", ""),
        ("2001:db8::1", "198.51.100.1", "2001:db8::1"),
    ],
)
def test_the_address_is_the_last_that_a_trusted_proxy_saw(peer, forwarded, expected, settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert forwarded_address(peer, forwarded) == expected


def test_a_process_has_its_name_and_contexts_nest():
    assert current_context().actor_name == "process"
    with audit_context(system_context("recorder")):
        with audit_context(system_context("inner")):
            assert current_context().actor_name == "inner"
        assert current_context().actor_name == "recorder"
    assert current_context().actor_name == "process"
