"""Look-ups of people, their tokens and sessions, for those who may manage them and for oneself."""

from uuid import UUID

from allauth.usersessions.models import UserSession
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import ApiToken, User
from apps.accounts.roles import Capability, require
from apps.core.errors import NotFound


def users_all(user: User) -> QuerySet[User]:
    """Everybody, by name; for those who manage people."""
    require(user, Capability.MANAGE_USERS)
    return User.objects.order_by("username")


def user_get(user: User, user_id: object) -> User:
    """An account by id: one's own, or anybody's with the right to manage users."""
    try:
        key = user_id if isinstance(user_id, UUID) else UUID(str(user_id))
    except ValueError as error:
        raise NotFound(_("user")) from error
    if key != user.pk:
        require(user, Capability.MANAGE_USERS)
    found = User.objects.filter(pk=key).first()
    if found is None:
        raise NotFound(_("user"))
    return found


def tokens_all(user: User) -> QuerySet[ApiToken]:
    require(user, Capability.MANAGE_USERS)
    return _tokens().order_by("-created", "digest")


def tokens_of(user: User) -> QuerySet[ApiToken]:
    return _tokens().filter(user=user).order_by("-created", "digest")


def token_get(user: User, digest: str) -> ApiToken:
    """A token by its digest: one's own, or anybody's with the right to manage users."""
    token = _tokens().filter(digest=digest).first()
    if token is None:
        raise NotFound(_("token"))
    if token.user_id != user.pk:
        require(user, Capability.MANAGE_USERS)
    return token


def _tokens() -> QuerySet[ApiToken]:
    tokens: QuerySet[ApiToken] = ApiToken.objects.select_related("user")
    return tokens


def sessions_of(user: User) -> list[UserSession]:
    """The live sessions of a user, the latest first; ended ones are swept on the way."""
    sessions: list[UserSession] = UserSession.objects.purge_and_list(user)
    return sorted(sessions, key=lambda session: session.last_seen_at, reverse=True)
