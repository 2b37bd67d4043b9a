"""`manage.py accounts create-user`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.audit.models import AuditRecord

pytestmark = pytest.mark.django_db


def create(monkeypatch, *arguments, password="correct-horse-battery"):
    out = StringIO()
    monkeypatch.setattr("sys.stdin", StringIO(password + "\n"))
    call_command("accounts", "create-user", *arguments, stdout=out)
    return out.getvalue()


def test_it_makes_a_user_and_records_who_did(monkeypatch):
    assert "Compliance officer" in create(monkeypatch, "bob", "--role", "compliance")
    assert User.objects.get(username="bob").check_password("correct-horse-battery")
    record = AuditRecord.objects.latest("seq")
    assert (record.action, record.actor_name) == ("user.create", "accounts create-user")


def test_it_makes_a_password_and_says_it_once(monkeypatch):
    out = create(monkeypatch, "alice", "--generate-password", password="")
    password = out.splitlines()[-1].removeprefix("password: ")
    assert User.objects.get(username="alice").check_password(password)
    assert password not in str(AuditRecord.objects.latest("seq").details)


def test_a_weak_password_is_refused_in_words(monkeypatch):
    with pytest.raises(CommandError, match="too short"):
        create(monkeypatch, "alice", password="x")
    assert not User.objects.exists()
