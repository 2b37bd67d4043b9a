"""The key that signs the record's checkpoints and exports.

`VIDETTE_RECORD_KEY` holds one or several Ed25519 seeds: the first signs, the public halves of all are
trusted.
"""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from apps.core.crypto import signing_keys

KEY_ID_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Signature:
    """`key_id` names the public key, `value` is the signature; both in hexadecimal digits."""

    key_id: str
    value: str


def sign(content: bytes) -> Signature:
    key = signing_keys()[0]
    return Signature(key_id_of(_public_hex(key)), key.sign(content).hex())


def signature_holds(public_key: str, content: bytes, signature: str) -> bool:
    """Whether the public key (64 hexadecimal digits) signed the content; False for what is no signature."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(
            bytes.fromhex(signature), content
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def public_keys() -> dict[str, str]:
    """The trusted public keys, id → 64 hexadecimal digits; the one that signs now comes first."""
    keys = [_public_hex(key) for key in signing_keys()]
    return {key_id_of(key): key for key in keys}


def key_id_of(public_key: str) -> str:
    """A short name for people to compare: the beginning of the key's SHA-256."""
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:KEY_ID_CHARACTERS]


def _public_hex(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()
