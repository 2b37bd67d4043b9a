"""Answers to an HTTP server's challenge: Digest (RFC 7616) before Basic (RFC 7617)."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.request import parse_http_list, parse_keqv_list

_HASHES = {"MD5": "md5", "SHA-256": "sha256"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """Never printed: both fields are left out of the representation."""

    username: str = field(repr=False)
    password: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in any text; a user name alone is no secret."""
        return (self.password,)


def answer_challenge(
    challenges: Sequence[str], method: str, path: str, credentials: Credentials, client_nonce: str = ""
) -> str | None:
    """The value of the Authorization header for the strongest challenge that we know, None for none.

    Args:
        challenges: the values of the WWW-Authenticate headers, one each.
        path: path and query as in the request line.
    """
    by_kind: dict[str, str] = {}
    for challenge in challenges:
        kind, _, rest = challenge.strip().partition(" ")
        by_kind.setdefault(kind.lower(), rest)
    if "digest" in by_kind:
        answer = _digest(by_kind["digest"], method, path, credentials, client_nonce or secrets.token_hex(8))
        if answer is not None:
            return answer
    if "basic" in by_kind:
        pair = f"{credentials.username}:{credentials.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()
    return None


def _digest(
    challenge: str, method: str, path: str, credentials: Credentials, client_nonce: str
) -> str | None:
    try:
        given = parse_keqv_list(parse_http_list(challenge))
    except (ValueError, IndexError):
        return None
    algorithm = given.get("algorithm", "MD5").upper()
    qop = [word.strip() for word in given.get("qop", "").split(",") if word.strip()]
    if algorithm not in _HASHES or "nonce" not in given or (qop and "auth" not in qop):
        return None

    def digest(text: str) -> str:
        return hashlib.new(_HASHES[algorithm], text.encode(), usedforsecurity=False).hexdigest()

    realm, nonce = given.get("realm", ""), given["nonce"]
    secret = digest(f"{credentials.username}:{realm}:{credentials.password}")
    request = digest(f"{method}:{path}")
    middle = f"{nonce}:00000001:{client_nonce}:auth" if qop else nonce
    fields = {
        "username": credentials.username,
        "realm": realm,
        "nonce": nonce,
        "uri": path,
        "response": digest(f"{secret}:{middle}:{request}"),
    }
    if "opaque" in given:
        fields["opaque"] = given["opaque"]
    quoted = ", ".join(f'{name}="{_escaped(value)}"' for name, value in fields.items())
    tail = f', qop=auth, nc=00000001, cnonce="{client_nonce}"' if qop else ""
    return f"Digest {quoted}, algorithm={algorithm}{tail}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "")
