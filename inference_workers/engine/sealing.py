"""Sealing with a public key: X25519, HKDF-SHA256, AES-256-GCM (the scheme of ECIES; RFC 7748, RFC 5869).

Whoever seals cannot open again: the ephemeral private half is gone when `seal` returns.
"""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from inference_workers.contracts.recording import (
    SEAL_HEADER_BYTES,
    SEAL_INFO,
    SEAL_MAGIC,
    SEAL_NONCE_BYTES,
    SEAL_PUBLIC_BYTES,
)
from inference_workers.engine.errors import EngineError


def seal(plain: bytes, public_key: str, context: bytes) -> bytes:
    """Seal for the holder of the private half of `public_key` (base64 of 32 bytes), bound to `context`.

    Raises:
        EngineError: `seal_key`, the key is none.
    """
    recipient = _public_key(public_key)
    ephemeral = X25519PrivateKey.generate()
    public = ephemeral.public_key().public_bytes_raw()
    salt = public + recipient.public_bytes_raw()
    key = HKDF(SHA256(), 32, salt, SEAL_INFO + context).derive(ephemeral.exchange(recipient))
    nonce = os.urandom(SEAL_NONCE_BYTES)
    return SEAL_MAGIC + public + nonce + AESGCM(key).encrypt(nonce, plain, context)


def unseal(blob: bytes, content_key: bytes, context: bytes) -> bytes:
    """Open one sealed blob with its own content key.

    Raises:
        EngineError: `sealed_format`, or `sealed_wrong_key` when key, context or bytes do not belong together.
    """
    if len(blob) < SEAL_HEADER_BYTES or not blob.startswith(SEAL_MAGIC):
        raise EngineError("sealed_format", "expected a sealed original, got something else")
    nonce = blob[len(SEAL_MAGIC) + SEAL_PUBLIC_BYTES : SEAL_HEADER_BYTES]
    try:
        return AESGCM(content_key).decrypt(nonce, blob[SEAL_HEADER_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise EngineError("sealed_wrong_key", "the sealed original does not open with this key") from error


def _public_key(text: str) -> X25519PublicKey:
    try:
        return X25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise EngineError("seal_key", "expected an X25519 public key of 32 bytes in base64") from error
