"""Secrets at rest and in a lease: Fernet under two keys, so that the data plane never holds the field key.

A setting may hold several keys separated by commas: the first seals, all unseal (rotation).
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.errors import DomainError


def seal(text: str) -> bytes:
    """Seals a text for a column of the database."""
    return seal_bytes(text.encode())


def unseal(sealed: bytes) -> str:
    """Opens what `seal` made; DomainError("unsealable") when the key is another one."""
    return unseal_bytes(sealed).decode()


def seal_bytes(data: bytes) -> bytes:
    """Seals a document for the object store, which the data plane can read, too."""
    return _keys(settings.FIELD_KEY).encrypt(data)


def unseal_bytes(sealed: bytes) -> bytes:
    """Opens what `seal_bytes` made; DomainError("unsealable") when the key is another one."""
    try:
        return _keys(settings.FIELD_KEY).decrypt(bytes(sealed))
    except InvalidToken as error:
        raise DomainError(
            "unsealable",
            _(
                "A stored secret cannot be opened with the present VIDETTE_FIELD_KEY. "
                "An administrator can put the former key back or enter the secret again."
            ),
            500,
        ) from error


def seal_for_lease(text: str) -> str:
    """Seals a text for the data plane, which opens it with the lease key."""
    return _keys(settings.LEASE_KEY).encrypt(text.encode()).decode()


def _keys(setting: str) -> MultiFernet:
    return MultiFernet([Fernet(key.strip()) for key in setting.split(",")])


def signing_keys() -> list[Ed25519PrivateKey]:
    """The Ed25519 keys of VIDETTE_RECORD_KEY: the first signs, all are trusted."""
    seeds = [base64.urlsafe_b64decode(key.strip()) for key in settings.RECORD_KEY.split(",")]
    return [Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds]


def signing_public_keys() -> tuple[str, ...]:
    """Their public halves, 64 hexadecimal digits each."""
    return tuple(key.public_key().public_bytes_raw().hex() for key in signing_keys())
