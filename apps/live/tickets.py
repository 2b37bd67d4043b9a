"""Tickets: a websocket opened with one stands for a user, once, within half a minute of its issue."""

import json
import secrets
from dataclasses import asdict, dataclass
from typing import cast

from apps.core import redis

TICKET_TTL_S = 30


@dataclass(frozen=True, slots=True)
class Ticket:
    """Whom the ticket stands for. Exactly one of `session_key` and `token_digest` keeps it alive."""

    user_id: str
    session_key: str
    token_digest: str
    purpose: str


def _key(secret: str) -> str:
    return f"vidette:tickets:{secret}"


def ticket_issue(ticket: Ticket) -> str:
    secret = secrets.token_urlsafe(32)
    redis.client().set(_key(secret), json.dumps(asdict(ticket)), ex=TICKET_TTL_S)
    return secret


def ticket_redeem(secret: str) -> Ticket | None:
    """The ticket, at its first use; None when it is unknown, used or too old."""
    if not 20 <= len(secret) <= 100:
        return None
    stored = redis.client().getdel(_key(secret))
    return Ticket(**json.loads(cast(bytes, stored))) if stored else None
