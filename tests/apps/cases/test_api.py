"""The API of requests: read, on record, never a step."""

from datetime import timedelta

import pytest
from django.test import Client

from apps.accounts.services import token_create
from apps.audit.models import AuditRecord
from apps.core.clock import now

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(adam, bob):
    def make(*actions, **headers):
        _token, secret = token_create(acting_user=adam, user=bob, name="calendar", actions=list(actions))
        return Client(headers={"Authorization": f"Token {secret}", **headers})

    return make


PURPOSE = {"X-Vidette-Purpose": "deadlines"}


def test_the_most_urgent_come_first_with_the_days_that_are_left(client, case):
    late, soon, far = case(days=40), case(days=25), case()
    api = client("cases:read", **PURPOSE)
    rows = api.get("/api/v1/cases").json()["results"]
    assert [row["reference"] for row in rows] == [late.reference, soon.reference, far.reference]
    assert [row["overdue"] for row in rows] == [True, False, False]
    assert 1 <= rows[1]["days"] <= 7
    due = api.get("/api/v1/cases", {"due_before": (now() + timedelta(days=7)).isoformat()}).json()["results"]
    assert [row["reference"] for row in due] == [late.reference, soon.reference]
    entry = AuditRecord.objects.filter(action="case.list").first()
    assert (entry.purpose, entry.details["token"], "due_before" in entry.details) == (
        "deadlines",
        "calendar",
        True,
    )


def test_closed_ones_are_asked_for_and_have_no_clock(client, case, bob):
    from apps.cases.services import case_close

    closed, waiting = case(days=3), case(kind="erasure")
    closed.refresh_from_db()
    case_close(acting_user=bob, case=closed, version=closed.version, outcome="withdrawn", note="by letter")
    api = client("cases:read", **PURPOSE)
    (row,) = api.get("/api/v1/cases", {"state": "closed"}).json()["results"]
    assert (row["reference"], row["outcome"], row["days"], row["overdue"]) == (
        closed.reference,
        "withdrawn",
        None,
        False,
    )
    (row,) = api.get("/api/v1/cases", {"kind": "erasure", "state": "all"}).json()["results"]
    assert row["reference"] == waiting.reference


def test_one_request_has_its_steps_and_not_the_contact(client, case, bob):
    found = case(kind="erasure", contact="two@example.org")
    erasure = found.erasures.create(
        made_by=bob, made_at=now(), expires_at=now() + timedelta(days=1), digest="ab" * 32,
        counts={"erase": {"events": 2}, "cut": {}, "kept": [], "learned": [], "blind": [["Yard v1", 3, 5]]},
    )  # fmt: skip
    answer = client("cases:read", **PURPOSE).get(f"/api/v1/cases/{found.pk}")
    told = answer.json()
    assert (told["reference"], told["identity"]) == (found.reference, "confirmed")
    (preview,) = told["erasures"]
    assert (preview["id"], preview["made_by"], preview["decided_by"]) == (str(erasure.pk), "bob", None)
    assert preview["counts"]["blind"] == [["Yard v1", 3, 5]], "what cannot be searched by time is told"
    assert "two@example.org" not in answer.content.decode()
    entry = AuditRecord.objects.get(action="case.view")
    assert (entry.object_id, entry.purpose, entry.actor_name) == (str(found.pk), "deadlines", "bob")


def test_a_purpose_is_asked_for(client, case):
    answer = client("cases:read").get(f"/api/v1/cases/{case().pk}")
    assert (answer.status_code, answer.json()["code"]) == (400, "purpose_required")


def test_another_token_is_refused_and_no_token_takes_a_step(client, case):
    found = case()
    assert client("purposes:read", **PURPOSE).get("/api/v1/cases").status_code == 403
    api = client("cases:read", **PURPOSE)
    assert api.post("/api/v1/cases", {}).status_code == 405
    assert api.delete(f"/api/v1/cases/{found.pk}").status_code == 405
    assert api.get(f"/cases/{found.pk}/").status_code == 302, "a token opens no page"


def test_nonsense_is_told(client):
    api = client("cases:read", **PURPOSE)
    assert api.get("/api/v1/cases", {"state": "late", "due_before": "soon"}).json()["errors"].keys() == {
        "state",
        "due_before",
    }
