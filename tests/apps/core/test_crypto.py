"""Secrets at rest and in a lease."""

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.utils import translation

from apps.core import crypto
from apps.core.errors import DomainError


def test_what_is_sealed_opens_again_and_shows_nothing():
    sealed = crypto.seal("hunter2 пароль")
    assert b"hunter2" not in sealed
    assert crypto.unseal(sealed) == "hunter2 пароль"
    assert crypto.unseal(memoryview(sealed)) == "hunter2 пароль"


def test_the_lease_key_is_another_one(settings):
    sealed = crypto.seal_for_lease("hunter2")
    assert Fernet(settings.LEASE_KEY).decrypt(sealed) == b"hunter2"
    with pytest.raises(InvalidToken):
        Fernet(settings.FIELD_KEY).decrypt(sealed)


def test_after_a_rotation_old_secrets_still_open(settings):
    sealed = crypto.seal("hunter2")
    new = Fernet.generate_key().decode()
    settings.FIELD_KEY = f"{new},{settings.FIELD_KEY}"
    assert crypto.unseal(sealed) == "hunter2"
    assert Fernet(new).decrypt(crypto.seal("next")) == b"next"


def test_another_key_says_what_to_do(settings):
    sealed = crypto.seal("hunter2")
    settings.FIELD_KEY = Fernet.generate_key().decode()
    with pytest.raises(DomainError, match="VIDETTE_FIELD_KEY") as caught:
        crypto.unseal(sealed)
    assert caught.value.code == "unsealable"
    with translation.override("ru"), pytest.raises(DomainError, match="Администратор может"):
        crypto.unseal(sealed)
