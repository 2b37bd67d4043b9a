"""Changes of people, sessions and tokens: who may, what is recorded, and that both happen or neither."""

from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from apps.accounts import selectors, services
from apps.accounts.models import ApiToken, Role, TokenAction, User
from apps.audit import services as audit
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.context import audit_context, context_for, system_context
from apps.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unavailable

GOOD = "correct-horse-battery"


def session_of(user):
    store = SessionStore()
    store["_auth_user_id"] = str(user.pk)
    store["_auth_user_backend"] = "allauth.account.auth_backends.AuthenticationBackend"
    store["_auth_user_hash"] = user.get_session_auth_hash()
    store.create()
    return UserSession.objects.create(
        user=user, ip="192.0.2.1", user_agent="browser", session_key=store.session_key
    )


def token_of(adam, user, **values):
    defaults = {"name": "export", "actions": ["events:read"]}
    return services.token_create(acting_user=adam, user=user, **{**defaults, **values})


CHANGES = {
    "user.create": lambda adam, user: services.user_create(
        acting_user=adam, username="new", password=GOOD, role="operator"
    ),
    "user.update": lambda adam, user: services.user_update(
        acting_user=adam, user=user, first_name="A", last_name="B", email="", language="ru"
    ),
    "user.set_role": lambda adam, user: services.user_set_role(
        acting_user=adam, user=user, role="compliance"
    ),
    "user.close": lambda adam, user: services.user_set_active(acting_user=adam, user=user, active=False),
    "user.set_password": lambda adam, user: services.user_set_password(
        acting_user=adam, user=user, password=GOOD + "!"
    ),
    "session.end": lambda adam, user: services.sessions_end(acting_user=adam, user=user),
    "token.create": token_of,
    "token.revoke": lambda adam, user: services.token_revoke(
        acting_user=adam, token=ApiToken.objects.get(user=user)
    ),
}


@pytest.fixture
def dana(cast, adam):
    user = User.objects.create_user("dana", None, GOOD, role="operator")
    session_of(user)
    token_of(adam, user)
    return user


def everything():
    """The whole state of accounts, to see that nothing has changed."""
    models = (User, UserSession, Session, ApiToken, AuditRecord)
    return [list(model.objects.order_by("pk").values_list()) for model in models]


@pytest.mark.parametrize("action", CHANGES)
def test_every_change_is_recorded_with_its_actor(action, adam, dana):
    CHANGES[action](adam, dana)
    record = AuditRecord.objects.latest("seq")
    assert (record.action, record.actor_name, record.kind) == (action, "adam", "change")
    assert record.details["username"] in ("dana", "new")


@pytest.mark.parametrize("action", CHANGES)
@pytest.mark.django_db(transaction=True)
def test_without_a_record_nothing_is_changed(action, adam, dana, monkeypatch):
    def broken(record):
        raise Unavailable("audit_unavailable", "the disk is full")

    monkeypatch.setattr("apps.audit.services._chain", broken)
    before = everything()
    with pytest.raises(Unavailable):
        CHANGES[action](adam, User.objects.get(pk=dana.pk))
    assert everything() == before


@pytest.mark.parametrize("action", CHANGES)
@pytest.mark.parametrize("name", ["charlie", "alice", "bob", "erin", "service"])
def test_charlie_and_the_others_may_not(action, name, cast, dana):
    before = everything()
    with pytest.raises(Forbidden):
        CHANGES[action](cast[name], dana)
    *after, record = everything()
    assert after == before[:-1]
    assert AuditRecord.objects.latest("seq").kind == "refusal"
    assert len(record) == len(before[-1]) + 1


def test_a_command_on_the_machine_may_and_is_named(db):
    with audit_context(system_context("seed_demo")):
        services.user_create(acting_user=None, username="alice", password=GOOD, role="operator")
    assert AuditRecord.objects.latest("seq").actor_name == "seed_demo"


def test_a_request_without_a_user_may_not(db):
    with audit_context(context_for(None)), pytest.raises(Forbidden):
        services.user_create(acting_user=None, username="mallory", password=GOOD, role="administrator")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"username": "alice"}, "name_taken"),
        ({"username": ""}, "bad_username"),
        ({"username": "a\x00b"}, "bad_username"),
        ({"username": "<script>"}, "bad_username"),
        ({"username": "x" * 151}, "bad_username"),
        ({"password": "12345678"}, "weak_password"),
        ({"role": "superuser"}, "bad_role"),
        ({"language": "xx"}, "bad_language"),
        ({"email": "nonsense"}, "bad_email"),
    ],
)
def test_mallory_cannot_make_a_nonsense_account(values, code, adam):
    good = {"username": "mallory", "password": GOOD, "role": "operator"}
    with pytest.raises(DomainError) as caught:
        services.user_create(acting_user=adam, **{**good, **values})
    assert caught.value.code == code
    assert not User.objects.filter(username="mallory").exists()


def test_nobody_changes_their_own_role_or_closes_their_own_account(adam):
    with pytest.raises(Forbidden):
        services.user_set_role(acting_user=adam, user=adam, role="compliance")
    with pytest.raises(Forbidden):
        services.user_set_active(acting_user=adam, user=adam, active=False)


def test_the_last_administrator_stays(adam):
    with audit_context(system_context("shell")):
        for act in (
            lambda: services.user_set_role(acting_user=None, user=adam, role="operator"),
            lambda: services.user_set_active(acting_user=None, user=adam, active=False),
        ):
            with pytest.raises(Conflict) as caught:
                act()
            assert caught.value.code == "last_administrator"
    assert User.objects.get(pk=adam.pk).role == Role.ADMINISTRATOR


def test_two_at_once_cannot_both_change_a_role(adam, alice):
    stale = User.objects.get(pk=alice.pk)
    services.user_set_role(acting_user=adam, user=alice, role="compliance")
    with pytest.raises(Conflict):
        services.user_set_role(acting_user=adam, user=stale, role="model_owner")
    assert User.objects.get(pk=alice.pk).role == "compliance"


def test_a_new_role_is_told_to_the_live_side(adam, alice, django_capture_on_commit_callbacks, news):
    with django_capture_on_commit_callbacks(execute=True):
        services.user_set_role(acting_user=adam, user=alice, role="compliance")
    assert news == [{"user_id": str(alice.pk)}]


@pytest.fixture
def news():
    from apps.core.events import subscribe, unsubscribe

    heard = []

    def handler(**payload):
        heard.append(payload)

    subscribe("grants.changed", handler)
    yield heard
    unsubscribe("grants.changed", handler)


def test_closing_an_account_ends_its_sessions(adam, dana):
    services.user_set_active(acting_user=adam, user=dana, active=False, reason="left")
    assert not UserSession.objects.filter(user=dana).exists()
    assert not Session.objects.exists()
    assert AuditRecord.objects.latest("seq").details["reason"] == "left"


def test_one_session_is_ended_and_the_other_stays(alice):
    first, second = session_of(alice), session_of(alice)
    assert services.sessions_end(acting_user=alice, user=alice, session_id=first.pk) == 1
    assert [session.pk for session in selectors.sessions_of(alice)] == [second.pk]


def test_a_session_of_somebody_else_does_not_exist_for_charlie(alice, charlie):
    session = session_of(alice)
    with pytest.raises(NotFound):
        services.sessions_end(acting_user=charlie, user=charlie, session_id=session.pk)
    assert Session.objects.filter(pk=session.session_key).exists()


def test_a_token_is_kept_as_a_hash_and_its_tail(adam, cast):
    token, text = token_of(adam, cast["service"], group_ids=[uuid4()])
    stored = ApiToken.objects.get(pk=token.pk)
    assert text not in str(vars(stored))
    assert stored.tail == text[-4:]
    assert text not in str(AuditRecord.objects.latest("seq").details)
    assert clock.now() + timedelta(days=89) < stored.expiry < clock.now() + timedelta(days=91)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"name": "  "}, "bad_name"),
        ({"name": "x" * 81}, "bad_name"),
        ({"actions": []}, "bad_actions"),
        ({"actions": ["events:read", "everything"]}, "bad_actions"),
        ({"group_ids": ["1 OR 1"]}, "bad_groups"),
        ({"expires_at": clock.now() - timedelta(seconds=1)}, "bad_expiry"),
        ({"expires_at": clock.now() + timedelta(days=400)}, "bad_expiry"),
    ],
)
def test_a_nonsense_token_is_refused(values, code, adam, cast):
    with pytest.raises(Invalid) as caught:
        token_of(adam, cast["service"], **values)
    assert caught.value.code == code
    assert not ApiToken.objects.exists()


def test_one_revokes_ones_own_token(adam, cast):
    token, _text = token_of(adam, cast["service"], actions=TokenAction.values)
    services.token_revoke(acting_user=cast["service"], token=token)
    assert not ApiToken.objects.exists()
    with pytest.raises(NotFound):
        services.token_revoke(acting_user=adam, token=token)


def test_only_administrators_see_the_people_and_tokens(cast, adam):
    token, _text = token_of(adam, cast["service"])
    assert len(selectors.users_all(adam)) == len(cast)
    assert list(selectors.tokens_all(adam)) == [token]
    for name in ("charlie", "alice", "bob", "erin", "service"):
        for look in (selectors.users_all, selectors.tokens_all):
            with pytest.raises(Forbidden):
                look(cast[name])
    with pytest.raises(Forbidden):
        selectors.user_get(cast["charlie"], adam.pk)
    with pytest.raises(Forbidden):
        selectors.token_get(cast["charlie"], token.digest)
    assert selectors.user_get(cast["charlie"], str(cast["charlie"].pk)) == cast["charlie"]
    with pytest.raises(NotFound):
        selectors.user_get(adam, "nonsense")


def test_the_record_is_written_last(adam, dana, monkeypatch):
    """The head of the chain is locked until the end of the transaction: other work comes before."""
    order = []
    original = audit._chain
    monkeypatch.setattr(audit, "_chain", lambda record: order.append("record") or original(record))
    monkeypatch.setattr(UserSession, "end", lambda session: order.append("session"))
    services.user_set_password(acting_user=adam, user=dana, password=GOOD + "?")
    assert order == ["session", "record"]
