"""The websocket protocol, version 1: close codes, and the messages that a client may send.

docs/websocket.md is the description for integrators; both change together.
"""

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from uuid import UUID

VERSION = 1
MAX_MESSAGE_CHARACTERS = 2048
MAX_CAMERAS = 32


class CloseCode(IntEnum):
    BAD_MESSAGE = 4400
    SIGN_IN = 4401
    FORBIDDEN = 4403
    TOO_SLOW = 4408
    RECORD_UNAVAILABLE = 4503


class ProtocolError(ValueError):
    """A message of the client that the protocol does not know: code and sentence go back to it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Authenticate:
    ticket: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    camera_id: UUID


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    camera_id: UUID


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Start or resume the feed behind `after`; None starts it at the newest entry."""

    after: int | None


@dataclass(frozen=True, slots=True)
class FollowRedactions:
    """Start the progress of redacted files: first how all of them are, then what changes."""


@dataclass(frozen=True, slots=True)
class Ping:
    pass


Message = Authenticate | Subscribe | Unsubscribe | CatchUp | FollowRedactions | Ping


def parse(text: str) -> Message:
    """Raises ProtocolError with what was expected."""
    if len(text) > MAX_MESSAGE_CHARACTERS:
        raise ProtocolError("too_long", f"A message has at most {MAX_MESSAGE_CHARACTERS} characters.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("not_json", "Expected a JSON object.") from error
    if not isinstance(value, dict):
        raise ProtocolError("not_json", "Expected a JSON object.")
    match value.get("type"):
        case "authenticate":
            return Authenticate(_text(value, "ticket"))
        case "subscribe":
            return Subscribe(_camera_id(value))
        case "unsubscribe":
            return Unsubscribe(_camera_id(value))
        case "events" | "catch_up":
            return CatchUp(_sequence(value))
        case "redactions":
            return FollowRedactions()
        case "ping":
            return Ping()
    raise ProtocolError(
        "unknown_type",
        "Expected type authenticate, subscribe, unsubscribe, events, catch_up, redactions or ping.",
    )


def _text(value: dict[str, Any], name: str) -> str:
    if not isinstance(value.get(name), str):
        raise ProtocolError("bad_field", f"Expected a text in “{name}”.")
    return str(value[name])


def _camera_id(value: dict[str, Any]) -> UUID:
    try:
        return UUID(_text(value, "camera_id"))
    except ValueError as error:
        raise ProtocolError("bad_field", "Expected a camera's id (a UUID) in “camera_id”.") from error


def _sequence(value: dict[str, Any]) -> int | None:
    after = value.get("after")
    if after is None and value["type"] == "events":
        return None
    if isinstance(after, bool) or not isinstance(after, int) or not 0 <= after < 2**63:
        raise ProtocolError("bad_field", "Expected the number of the last entry you know in “after”.")
    return after
