"""Tokens of service accounts: shown once, kept as a hash, each with a scope and an end."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import ApiToken, TokenAction, User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.core import clock
from apps.core.errors import Invalid, NotFound
from apps.core.events import publish

LONGEST_LIFE = timedelta(days=366)
DEFAULT_LIFE = timedelta(days=90)
MAX_NAME_CHARACTERS = 80
TAIL_CHARACTERS = 4


def token_create(
    *,
    acting_user: User,
    user: User,
    name: str,
    actions: Sequence[str],
    group_ids: Sequence[UUID | str] = (),
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Makes a token for `user`; the second value is the token itself, which nobody can read again.

    Without `expires_at` it ends after 90 days; it never lives longer than a year. `group_ids` limits it to
    cameras of these groups.
    """
    require(acting_user, Capability.MANAGE_USERS)
    name, scope, groups = _name(name), _actions(actions), _groups(group_ids)
    expires_at = _expiry(expires_at)
    with transaction.atomic():
        token, text = ApiToken.objects.create(
            user, expiry=expires_at - clock.now(), name=name, actions=scope, group_ids=groups
        )
        token.expiry, token.tail = expires_at, text[-TAIL_CHARACTERS:]
        token.save(update_fields=["expiry", "tail"])
        _record(acting_user, token, "token.create")
    return token, text


def token_revoke(*, acting_user: User, token: ApiToken) -> None:
    """Ends a token at once. One's own, or anybody's with the right to manage users."""
    if acting_user.pk != token.user_id:
        require(acting_user, Capability.MANAGE_USERS)
    with transaction.atomic():
        deleted, _rows = ApiToken.objects.filter(pk=token.pk).delete()
        if not deleted:
            raise NotFound(_("token"))
        _record(acting_user, token, "token.revoke")
        publish("sessions.changed", user_id=str(token.user_id))


def _record(acting_user: User, token: ApiToken, action: str) -> None:
    audit.record_change(
        action=action,
        object_type="api_token",
        object_id=token.digest[:16],
        details={
            "username": token.user.username,
            "name": token.name,
            "actions": token.actions,
            "group_ids": token.group_ids,
            "expires_at": token.expiry,
        },
        acting_user=acting_user,
    )


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS:
        message = _("Expected a name of 1 to %s characters.") % MAX_NAME_CHARACTERS
        raise Invalid("bad_name", message, field="name")
    return name


def _actions(actions: Sequence[str]) -> list[str]:
    unknown = sorted(set(actions) - set(TokenAction.values))
    if unknown or not actions:
        message = _("Expected at least one of %(known)s, got “%(unknown)s”.")
        values = {"known": ", ".join(TokenAction.values), "unknown": ", ".join(unknown)}
        raise Invalid("bad_actions", message % values, field="actions")
    return sorted(set(actions))


def _groups(group_ids: Sequence[UUID | str]) -> list[str]:
    try:
        return sorted({str(UUID(str(group_id))) for group_id in group_ids})
    except ValueError as error:
        raise Invalid("bad_groups", _("Expected ids of camera groups."), field="group_ids") from error


def _expiry(expires_at: datetime | None) -> datetime:
    now = clock.now()
    expires_at = expires_at or now + DEFAULT_LIFE
    if not now < expires_at <= now + LONGEST_LIFE:
        message = _("Expected a time within the next %s days.") % LONGEST_LIFE.days
        raise Invalid("bad_expiry", message, field="expires_at")
    return expires_at
