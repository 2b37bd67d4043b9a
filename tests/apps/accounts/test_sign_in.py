"""Signing in and out through the pages, and what of it is in the record."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.urls import reverse

from apps.accounts.models import User
from apps.audit.models import AuditHead, AuditRecord, RecordKind
from tests.apps.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_earlier_attempts():
    cache.clear()


def sign_in(client, username, password=PASSWORD, **headers):
    return client.post(reverse("account_login"), {"login": username, "password": password}, **headers)


def entries():
    rows = AuditRecord.objects.filter(kind=RecordKind.SIGN_IN).order_by("seq")
    return [(row.action, row.actor_name) for row in rows]


def test_a_sign_in_and_a_sign_out_are_recorded(client, alice):
    assert sign_in(client, "alice", REMOTE_ADDR="192.0.2.9").status_code == 302
    client.post(reverse("account_logout"))
    assert entries() == [("sign_in", "alice"), ("sign_out", "alice")]
    assert AuditRecord.objects.get(action="sign_in").address == "192.0.2.9"
    assert "_auth_user_id" not in client.session


def test_a_wrong_password_is_recorded_with_the_name_of_the_account(client, alice):
    assert sign_in(client, "alice", "wrong").status_code == 200
    record = AuditRecord.objects.latest("seq")
    assert (record.action, record.actor_name) == ("sign_in.failed", "anonymous")
    assert record.details == {"username": "alice", "known": True}


def test_a_password_typed_as_the_name_does_not_enter_the_record(client, alice):
    sign_in(client, PASSWORD, "alice")
    assert AuditRecord.objects.latest("seq").details == {"username": "", "known": False}


def test_a_closed_account_is_refused(client, alice):
    User.objects.filter(pk=alice.pk).update(is_active=False)
    sign_in(client, "alice")
    assert "_auth_user_id" not in client.session


def test_without_a_record_nobody_is_signed_in(client, alice, monkeypatch):
    from apps.core.errors import Unavailable

    def broken(record):
        raise Unavailable("audit_unavailable", "the disk is full")

    monkeypatch.setattr("apps.audit.services._chain", broken)
    assert sign_in(client, "alice").status_code == 503
    assert "_auth_user_id" not in client.session
    assert AuditHead.objects.get().seq == 0


def test_nobody_signs_up(client, db):
    values = {"username": "mallory", "password1": PASSWORD, "password2": PASSWORD}
    client.post(reverse("account_signup"), values)
    assert not User.objects.filter(username="mallory").exists()


@pytest.mark.parametrize(
    "path",
    ["signup/", "email/", "confirm-email/", "password/reset/", "password/reset/key/1-a/", "signup/passkey/"],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_pages_that_would_send_mail_say_whom_to_ask(path, method, client, alice):
    client.force_login(alice)
    response = getattr(client, method)(f"/accounts/{path}", {"email": "mallory@example.test"})
    assert response.status_code == 404
    assert "administrator" in response.content.decode()


def test_the_secret_of_the_second_factor_is_sealed_in_the_database(alice):
    secret = generate_totp_secret()
    totp = TOTP.activate(alice, secret)
    stored = Authenticator.objects.get(user=alice).data["secret"]
    assert secret not in stored
    assert totp.validate_code(code_of(secret))


def test_one_ends_one_of_ones_own_sessions(client, alice, charlie):
    from django.test import Client

    sign_in(client, "alice")
    other = Client()
    sign_in(other, "alice")
    session = UserSession.objects.get(session_key=other.session.session_key)
    url = reverse("session_end", args=[session.pk])
    assert client.get(url).status_code == 405
    stranger = Client()
    sign_in(stranger, "charlie")
    assert stranger.post(url).status_code == 404
    assert client.post(url).status_code == 302
    assert not other.session.keys()
    assert UserSession.objects.filter(user=alice).count() == 1


def test_many_wrong_passwords_are_slowed_down(client, alice):
    for _attempt in range(12):
        response = sign_in(client, "alice", "wrong")
    assert response.status_code in (200, 429)
    assert sign_in(client, "alice").status_code != 302
    assert "_auth_user_id" not in client.session


def code_of(secret):
    counter = next(iter(yield_hotp_counters_from_time()))
    return format_hotp_value(hotp_value(secret, counter))


def test_the_second_factor_is_asked_for_and_a_wrong_one_is_recorded(client, alice):
    secret = generate_totp_secret()
    TOTP.activate(alice, secret)
    assert sign_in(client, "alice").url.startswith(reverse("mfa_authenticate"))
    assert "_auth_user_id" not in client.session
    client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert entries() == [("sign_in.second_factor_failed", "alice")]
    assert client.post(reverse("mfa_authenticate"), {"code": code_of(secret)}).status_code == 302
    assert entries()[-1] == ("sign_in", "alice")


def test_removing_the_second_factor_is_recorded(client, alice):
    TOTP.activate(alice, generate_totp_secret())
    client.force_login(alice)
    from allauth.mfa import signals

    authenticator = Authenticator.objects.get(user=alice)
    signals.authenticator_removed.send(Authenticator, request=None, user=alice, authenticator=authenticator)
    record = AuditRecord.objects.latest("seq")
    assert (record.action, record.details) == ("mfa.removed", {"type": "totp"})


def test_changing_ones_password_is_recorded(client, alice):
    sign_in(client, "alice")
    new = {"oldpassword": PASSWORD, "password1": "another-horse-5", "password2": "another-horse-5"}
    assert client.post(reverse("account_change_password"), new).status_code == 302
    assert entries()[-1] == ("password.changed", "alice")
    assert User.objects.get(pk=alice.pk).check_password("another-horse-5")


def test_the_sessions_are_listed_with_the_real_address(client, alice):
    sign_in(client, "alice", REMOTE_ADDR="192.0.2.9")
    assert [session.ip for session in UserSession.objects.filter(user=alice)] == ["192.0.2.9"]


def test_the_password_is_in_no_answer_and_no_entry(client, alice):
    sign_in(client, "alice")
    sign_in(client, "alice", PASSWORD + "x")
    assert PASSWORD not in str(list(AuditRecord.objects.values()))
