"""Writes sign-ins, sign-outs and changes of the means to sign in into the record. Nothing else happens here.

They come from Django and allauth, which own these acts and offer no other place to stand.
"""

from typing import Any

from allauth.account import signals as account_signals
from allauth.mfa import signals as mfa_signals
from django.contrib.auth import signals as auth_signals
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest

from apps.accounts.models import User
from apps.audit import services as audit
from apps.core.errors import Unavailable
from apps.core.events import publish

_UID = "apps.accounts.signals"


def on_signed_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """No record, no sign-in: the session is emptied again when the entry cannot be written."""
    try:
        audit.record_sign_in(action="sign_in", acting_user=user)
    except Unavailable:
        request.session.flush()
        request.user = AnonymousUser()
        raise


def on_sign_in_failed(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    """A name that is nobody's is left out: people type their password into the wrong field."""
    username = str(credentials.get("username") or "")[:150]
    known = User.objects.filter(username=username).first() if "\x00" not in username else None
    audit.record_sign_in(
        action="sign_in.failed",
        details={"username": known.username if known else "", "known": known is not None},
    )


def on_signed_out(sender: Any, user: User | None, **kwargs: Any) -> None:
    if user is None:
        return
    with transaction.atomic():
        audit.record_sign_in(action="sign_out", acting_user=user)
        publish("sessions.changed", user_id=str(user.pk))


def on_second_factor_failed(sender: Any, user: User, **kwargs: Any) -> None:
    audit.record_sign_in(action="sign_in.second_factor_failed", acting_user=user)


def on_password_changed(sender: Any, user: User, **kwargs: Any) -> None:
    audit.record_sign_in(action="password.changed", acting_user=user)


def on_authenticator_added(sender: Any, user: User, authenticator: Any, **kwargs: Any) -> None:
    _record_authenticator("mfa.added", user, authenticator)


def on_authenticator_removed(sender: Any, user: User, authenticator: Any, **kwargs: Any) -> None:
    _record_authenticator("mfa.removed", user, authenticator)


def on_authenticator_reset(sender: Any, user: User, authenticator: Any, **kwargs: Any) -> None:
    _record_authenticator("mfa.reset", user, authenticator)


def _record_authenticator(action: str, user: User, authenticator: Any) -> None:
    audit.record_sign_in(action=action, details={"type": str(authenticator.type)}, acting_user=user)


def connect() -> None:
    for signal, receiver in (
        (auth_signals.user_logged_in, on_signed_in),
        (auth_signals.user_login_failed, on_sign_in_failed),
        (auth_signals.user_logged_out, on_signed_out),
        (account_signals.password_changed, on_password_changed),
        (account_signals.password_set, on_password_changed),
        (account_signals.password_reset, on_password_changed),
        (mfa_signals.authentication_failed, on_second_factor_failed),
        (mfa_signals.authenticator_added, on_authenticator_added),
        (mfa_signals.authenticator_removed, on_authenticator_removed),
        (mfa_signals.authenticator_reset, on_authenticator_reset),
    ):
        signal.connect(receiver, dispatch_uid=f"{_UID}.{id(signal)}.{receiver.__name__}")
