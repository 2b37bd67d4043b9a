"""Who is behind a websocket, asked again every second: a session or a token, and what it still opens."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.http.cookie import parse_cookie
from django.utils.module_loading import import_string

from apps.accounts.models import ApiToken, User
from apps.accounts.roles import Capability
from apps.cameras.selectors import cameras_for
from apps.core.clock import now
from apps.live.tickets import Ticket, ticket_redeem

DEFAULT_PURPOSE = "live monitoring"


@dataclass(frozen=True, slots=True)
class Identity:
    """A viewer and what proves it. `user.token_scope` is set when it came with a token."""

    user: User
    ticket: Ticket
    language: str

    @property
    def purpose(self) -> str:
        return self.ticket.purpose


def _session(key: str) -> SessionBase:
    engine = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
    session: SessionBase = engine(key)
    return session


def session_user(key: str) -> User | None:
    """The user of a live session: not signed out, not expired, password unchanged, account active."""
    request = HttpRequest()
    request.session = _session(key)
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None


def token_user(user_id: str, digest: str) -> User | None:
    """The user of a token that was neither withdrawn nor has run out."""
    token = ApiToken.objects.select_related("user").filter(digest=digest, user_id=user_id).first()
    if token is None or (token.expiry is not None and token.expiry <= now()):
        return None
    user = token.user
    user.token_scope = token
    return user if user.is_active else None


def ticket_user(ticket: Ticket) -> User | None:
    if ticket.token_digest:
        return token_user(ticket.user_id, ticket.token_digest)
    user = session_user(ticket.session_key)
    return user if user is not None and str(user.pk) == ticket.user_id else None


def identify_cookie(header: str) -> Identity | None:
    """The identity of a browser by its session cookie."""
    key = parse_cookie(header).get(settings.SESSION_COOKIE_NAME, "")
    user = session_user(key) if key else None
    if user is None:
        return None
    purpose = _session(key).get("purpose") or DEFAULT_PURPOSE
    return Identity(user, Ticket(str(user.pk), key, "", purpose), user.language)


def identify_ticket(secret: str) -> Identity | None:
    ticket = ticket_redeem(secret)
    user = ticket_user(ticket) if ticket is not None else None
    return Identity(user, ticket, user.language) if user is not None and ticket is not None else None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of an identity: `user` None means signed out; `lost` are cameras no longer granted."""

    user: User | None
    lost: frozenset[UUID] = frozenset()


def standing_of(identity: Identity, watched: frozenset[UUID]) -> Standing:
    user = ticket_user(identity.ticket)
    if user is None:
        return Standing(None)
    if not watched:
        return Standing(user)
    open_ = cameras_for(user, Capability.WATCH_LIVE).filter(pk__in=watched).order_by()
    return Standing(user, watched - set(open_.values_list("pk", flat=True)))
