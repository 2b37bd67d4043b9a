"""Rights that a view names, tokens, and keyset pages."""

import base64
import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import ApiToken, User
from apps.accounts.services import token_create
from apps.core import clock
from apps.core.errors import Invalid
from apps.core.pagination import keyset_page

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.apps.core.views")]
WHO = "/api/v1/who/"


@pytest.fixture
def adam():
    return User.objects.create_user("adam", role="administrator")


@pytest.fixture
def service(adam):
    return User.objects.create_user("service", role="integrator")


@pytest.fixture
def token(adam, service):
    def make(*actions, user=service, **values):
        return token_create(acting_user=adam, user=user, name="export", actions=actions, **values)

    return make


def with_token(text):
    return {"headers": {"Authorization": f"Token {text}"}}


def test_a_view_that_names_no_right_is_open_to_nobody(client, adam):
    client.force_login(adam)
    assert client.get("/api/v1/silent/").status_code == 403


def test_a_method_that_names_no_right_is_open_to_nobody(client, adam):
    client.force_login(adam)
    assert client.get(WHO).status_code == 200
    assert client.head(WHO).status_code == 200
    assert client.delete(WHO).status_code == 403


def test_charlie_may_not_change_what_he_may_see(client):
    client.force_login(User.objects.create_user("charlie", role="operator"))
    assert client.get(WHO).status_code == 200
    assert client.post(WHO, {"number": 1}, content_type="application/json").status_code == 403


def test_a_token_opens_what_its_scope_says(client, token):
    made, text = token("cameras:read")
    response = client.get(WHO, **with_token(text))
    assert response.status_code == 200
    assert (response.json()["actor_name"], response.json()["token"]) == ("service", made.name)
    assert client.post(WHO, {"number": 1}, "application/json", **with_token(text)).status_code == 403


def test_a_token_of_another_scope_opens_nothing(client, token):
    _made, text = token("events:read", "audit:read")
    assert client.get(WHO, **with_token(text)).status_code == 403


def test_a_scope_wider_than_the_role_gives_the_role_only(client, token):
    operator = User.objects.create_user("alice", role="operator")
    _made, text = token("cameras:read", "cameras:write", user=operator)
    assert client.get(WHO, **with_token(text)).status_code == 200
    assert client.post(WHO, {"number": 1}, "application/json", **with_token(text)).status_code == 403


def test_an_expired_token_is_refused_and_stays_in_the_list(client, token):
    made, text = token("cameras:read")
    ApiToken.objects.filter(pk=made.pk).update(expiry=clock.now() - timedelta(seconds=1))
    assert client.get(WHO, **with_token(text)).status_code == 401
    assert ApiToken.objects.filter(pk=made.pk).exists()


def test_a_token_of_a_closed_account_is_refused(client, token, service):
    _made, text = token("cameras:read")
    User.objects.filter(pk=service.pk).update(is_active=False)
    assert client.get(WHO, **with_token(text)).status_code == 401


@pytest.mark.parametrize("text", ["", "nonsense", "a" * 64, "ä" * 10, "a b", "' OR 1=1 --"])
def test_mallory_finds_no_token(text, client, token):
    token("cameras:read")
    assert client.get(WHO, HTTP_AUTHORIZATION=f"Token {text}".encode().decode("latin-1")).status_code == 401


def test_the_first_characters_of_a_token_are_not_enough(client, token):
    _made, text = token("cameras:read")
    assert client.get(WHO, **with_token(text[:15] + "0" * (len(text) - 15))).status_code == 401


def test_pages_follow_each_other_without_gap_or_repetition(client, adam):
    client.force_login(adam)
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        body = client.get("/api/v1/codenames/", {"limit": 7, "cursor": cursor}).json()
        seen += [row["codename"] for row in body["results"]]
        cursor, pages = body["next_cursor"], pages + 1
    assert seen == sorted(Permission.objects.values_list("codename", flat=True))
    assert pages == -(-len(seen) // 7)


def test_rows_that_come_between_do_not_shift_the_next_page(adam):
    names = ["b", "d", "f", "h"]
    for name in names:
        User.objects.create_user(name)
    users = User.objects.exclude(pk=adam.pk)
    first = keyset_page(users, ordering=("username",), limit=2)
    for name in ("a", "c", "g"):
        User.objects.create_user(name)
    second = keyset_page(users, ordering=("username",), limit=9, cursor=first.next_cursor)
    assert [user.username for user in first.items + second.items] == ["b", "d", "f", "g", "h"]
    assert second.next_cursor == ""


def test_a_cursor_walks_through_relations_and_equal_keys():
    rows = Permission.objects.select_related("content_type")
    ordering = ("-content_type__app_label", "pk")
    expected = list(rows.order_by(*ordering))
    seen, cursor = [], ""
    while len(seen) < len(expected):
        page = keyset_page(rows, ordering=ordering, limit=11, cursor=cursor)
        seen, cursor = seen + page.items, page.next_cursor
    assert seen == expected
    assert cursor == ""


@pytest.mark.parametrize("limit", ["0", "-1", "201", "many", "1.5", "٣", "9" * 5000])
def test_a_nonsense_limit_is_refused(limit, client, adam):
    client.force_login(adam)
    response = client.get("/api/v1/codenames/", {"limit": limit})
    assert (response.status_code, json.loads(response.content)["code"]) == (400, "bad_limit")


def cursor_of(content):
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "ÿ",
        "A" * 2000,
        cursor_of([["username"], ["a"]]),
        cursor_of([["codename", "-id"], ["a"]]),
        cursor_of([["codename", "-id"], ["a", None]]),
        cursor_of([["codename", "-id"], ["a", "b"]]),
        cursor_of([["codename", "-id"], ["a\x00", 1]]),
        cursor_of([["codename", "-id"], [{"$ne": 1}, []]]),
        cursor_of([["codename", "-id"], ["a", 10**400]]),
        cursor_of("codename"),
    ],
)
def test_mallorys_cursor_is_refused(cursor, client, adam):
    client.force_login(adam)
    response = client.get("/api/v1/codenames/", {"cursor": cursor})
    assert (response.status_code, json.loads(response.content)["code"]) == (400, "bad_cursor")


@given(st.text(max_size=60))
def test_no_text_breaks_the_cursor(text):
    if text:
        with pytest.raises(Invalid):
            keyset_page(User.objects.all(), ordering=("username",), limit=1, cursor=text)
