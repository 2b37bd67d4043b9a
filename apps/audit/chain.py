"""The pure part of the record: what is hashed, and how.

The hash of a record is SHA-256 over the canonical JSON (RFC 8785) of all its fields but the hash itself; the
hash of the record before it is one of them.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Protocol
from uuid import UUID

import rfc8785

from inference_workers.contracts.scrub import scrub_text

FORMAT = 1
GENESIS_PREVIOUS = "0" * 64
GENESIS_ACTION = "record.opened"
MAX_DETAIL_CHARACTERS = 2000
MAX_DEPTH = 6
_SAFE_INTEGER = 2**53 - 1
_encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
TEXT_FIELDS = (
    "kind",
    "action",
    "actor_id",
    "actor_name",
    "actor_role",
    "object_type",
    "object_id",
    "purpose",
    "address",
    "request_id",
)
SECRET_WORDS = ("password", "secret", "authorization", "cookie")


class Chained(Protocol):
    """The fields of a record that enter its hash."""

    seq: int
    at: datetime
    camera_id: UUID | None
    redacted: bool | None
    details: dict[str, Any]
    previous_hash: str


def record_hash(record: Chained) -> str:
    """The hash that `record` must carry, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(content_of(record))).hexdigest()


def content_of(record: Chained) -> dict[str, Any]:
    """All that enters the hash of `record`, as JSON."""
    values = {name: getattr(record, name) for name in TEXT_FIELDS}
    return _content(
        seq=record.seq,
        at=record.at,
        camera_id=record.camera_id,
        redacted=record.redacted,
        details=record.details,
        previous_hash=record.previous_hash,
        texts=values,
    )


def hash_of(
    *,
    seq: int,
    at: datetime,
    camera_id: UUID | None,
    redacted: bool | None,
    details: dict[str, Any],
    previous_hash: str,
    texts: Mapping[str, str],
) -> str:
    content = _content(
        seq=seq,
        at=at,
        camera_id=camera_id,
        redacted=redacted,
        details=details,
        previous_hash=previous_hash,
        texts=texts,
    )
    return hashlib.sha256(canonical(content)).hexdigest()


def _content(
    *,
    seq: int,
    at: datetime,
    camera_id: UUID | None,
    redacted: bool | None,
    details: dict[str, Any],
    previous_hash: str,
    texts: Mapping[str, str],
) -> dict[str, Any]:
    return {
        **texts,
        "format": FORMAT,
        "seq": seq,
        "at": timestamp(at),
        "camera_id": str(camera_id) if camera_id is not None else None,
        "redacted": redacted,
        "details": details,
        "previous_hash": previous_hash,
    }


def canonical(content: dict[str, Any]) -> bytes:
    """Canonical JSON (RFC 8785).

    The standard encoder writes the same bytes where there is no float and every key is ASCII, which is
    nearly every record, and makes checking a long chain three times faster.
    """
    return _encoder.encode(content).encode() if _is_plain(content) else rfc8785.dumps(content)


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(key.isascii() and _is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return not isinstance(value, float)


def timestamp(at: datetime) -> str:
    """A time in UTC with microseconds, always of the same length."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def clean_text(text: str, limit: int) -> str:
    """Text that every database stores unchanged: no NUL, no lone surrogate, within its column.

    Credentials in it are hidden: what enters the record cannot be taken out again.
    """
    clean = text.replace("\x00", "�").encode("utf-8", "replace").decode()
    clean = scrub_text(clean)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def clean_details(details: Mapping[str, Any]) -> dict[str, Any]:
    """Details as JSON that reads back as the same value from every database.

    Raises ValueError for what has no such form, and for keys that smell of a secret: nothing can be
    removed from the record again.
    """
    clean = _clean(details, 0)
    assert isinstance(clean, dict)  # noqa: S101 - a mapping comes back as a dict
    return clean


def _clean(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError(f"details of the record: expected at most {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        return {_clean_key(key, item): _clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [_clean(item, depth + 1) for item in items]
    return _clean_scalar(value)


def _clean_scalar(value: Any) -> Any:
    match value:
        case None | bool():
            return value
        case int():
            return int(value) if abs(value) <= _SAFE_INTEGER else str(value)
        case float():
            return _clean_float(value)
        case datetime():
            return timestamp(value)
        case str() | UUID() | date():
            return clean_text(str(value), MAX_DETAIL_CHARACTERS)
    raise ValueError(f"details of the record: expected JSON, UUID or time, got {type(value).__name__}")


def _clean_float(value: float) -> float | int | str:
    """PostgreSQL gives 1e300 back as a long integer; beyond 2^53 a float is kept as text."""
    if math.isnan(value) or abs(value) > _SAFE_INTEGER:
        return repr(value)
    return int(value) if value == int(value) else value


def _clean_key(key: Any, item: Any) -> str:
    if not isinstance(key, str):
        raise ValueError(f"details of the record: expected text as key, got {type(key).__name__}")
    if isinstance(item, str | bytes) and any(word in key.lower() for word in SECRET_WORDS):
        raise ValueError(f"details of the record: {key!r} names a secret, which never enters the record")
    return clean_text(key, 80)
