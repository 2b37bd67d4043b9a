"""Ends sessions of browsers. Live websockets notice within two seconds."""

from allauth.usersessions.models import UserSession
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.core.errors import NotFound
from apps.core.events import publish


def sessions_end(*, acting_user: User, user: User, session_id: int | None = None) -> int:
    """Ends one session of `user`, or all of them; one's own, or anybody's with the right to manage users.

    Returns how many were ended; NotFound for a session that is not one of this user's.
    """
    if acting_user.pk != user.pk:
        require(acting_user, Capability.MANAGE_USERS)
    with transaction.atomic():
        ended = end_all_sessions(user, session_id)
        if session_id is not None and not ended:
            raise NotFound(_("session"))
        audit.record_change(
            action="session.end",
            object_type="user",
            object_id=str(user.pk),
            details={"username": user.username, "sessions_ended": ended},
            acting_user=acting_user,
        )
    return ended


def end_all_sessions(user: User, session_id: int | None = None) -> int:
    """Part of a service: ends sessions inside its transaction and leaves the recording to it."""
    sessions = UserSession.objects.filter(user=user)
    if session_id is not None:
        sessions = sessions.filter(pk=session_id)
    ended = list(sessions)
    for session in ended:
        session.end()
    if ended:
        publish("sessions.changed", user_id=str(user.pk))
    return len(ended)
