"""Accounts: made by administrators, never deleted (the record and the reviews name them), but closed.

`acting_user=None` stands for a command on the machine itself; inside a request there is always a user.
"""

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Role, User
from apps.accounts.roles import Capability, require
from apps.accounts.services.sessions import end_all_sessions
from apps.audit import services as audit
from apps.core.context import current_context
from apps.core.errors import Conflict, Forbidden, Invalid
from apps.core.events import publish


def require_manager(acting_user: User | None) -> None:
    """Whoever manages users, or a command on the machine itself."""
    if acting_user is not None:
        require(acting_user, Capability.MANAGE_USERS)
    elif current_context().actor_role != "system":
        raise Forbidden(_("Only an administrator may manage people."))


def user_create(
    *,
    acting_user: User | None,
    username: str,
    password: str,
    role: str,
    language: str = "en",
    first_name: str = "",
    last_name: str = "",
    email: str = "",
) -> User:
    """Makes an account; Invalid("weak_password", "bad_username", "bad_role", …), Conflict("name_taken")."""
    require_manager(acting_user)
    user = User(
        username=User.normalize_username(username.strip()),
        role=_role(role),
        language=_language(language),
        first_name=first_name,
        last_name=last_name,
        email=User.objects.normalize_email(email),
    )
    _check_fields(user)
    _check_password(password, user)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            _record(acting_user, user, "user.create", {"role": user.role, "language": user.language})
    except IntegrityError as error:
        raise Conflict(
            "name_taken", _("There is a user of this name already. Choose another name.")
        ) from error
    return user


def user_update(
    *,
    acting_user: User | None,
    user: User,
    first_name: str,
    last_name: str,
    email: str,
    language: str,
) -> User:
    """Changes what a person is called and their language; not what they may do."""
    require_manager(acting_user)
    values = {
        "first_name": first_name,
        "last_name": last_name,
        "email": User.objects.normalize_email(email),
        "language": _language(language),
    }
    changed = [name for name, value in values.items() if getattr(user, name) != value]
    for name in changed:
        setattr(user, name, values[name])
    _check_fields(user)
    if changed:
        with transaction.atomic():
            user.save(update_fields=changed)
            _record(acting_user, user, "user.update", {"changed": changed})
    return user


def user_set_role(*, acting_user: User | None, user: User, role: str) -> User:
    """Gives another role. Nobody changes their own, and one administrator always stays."""
    require_manager(acting_user)
    _not_oneself(acting_user, user)
    before, after = user.role, _role(role)
    if before == after:
        return user
    with transaction.atomic():
        if before == Role.ADMINISTRATOR:
            _keeps_an_administrator(user)
        if not User.objects.filter(pk=user.pk, role=before).update(role=after):
            raise _changed_meanwhile()
        _record(acting_user, user, "user.set_role", {"before": before, "after": after})
        publish("grants.changed", user_id=str(user.pk))
    user.role = after
    return user


def user_set_active(*, acting_user: User | None, user: User, active: bool, reason: str = "") -> User:
    """Opens or closes an account. Closing ends its sessions; its tokens are refused from then on."""
    require_manager(acting_user)
    _not_oneself(acting_user, user)
    if user.is_active == active:
        return user
    with transaction.atomic():
        if not active and user.role == Role.ADMINISTRATOR:
            _keeps_an_administrator(user)
        if not User.objects.filter(pk=user.pk, is_active=not active).update(is_active=active):
            raise _changed_meanwhile()
        ended = 0 if active else end_all_sessions(user)
        action = "user.open" if active else "user.close"
        _record(acting_user, user, action, {"reason": reason, "sessions_ended": ended})
        publish("grants.changed", user_id=str(user.pk))
    user.is_active = active
    return user


def user_set_password(*, acting_user: User | None, user: User, password: str) -> None:
    """Sets another person's password; all of that person's sessions end."""
    require_manager(acting_user)
    _check_password(password, user)
    user.set_password(password)
    with transaction.atomic():
        user.save(update_fields=["password"])
        ended = end_all_sessions(user)
        _record(acting_user, user, "user.set_password", {"sessions_ended": ended})


def _record(acting_user: User | None, user: User, action: str, details: dict[str, object]) -> None:
    audit.record_change(
        action=action,
        object_type="user",
        object_id=str(user.pk),
        details={"username": user.username, **details},
        acting_user=acting_user,
    )


def _role(role: str) -> str:
    if role not in Role.values:
        message = _("Expected one of the roles %(roles)s, got “%(role)s”.")
        raise Invalid("bad_role", message % {"roles": ", ".join(Role.values), "role": role}, field="role")
    return Role(role).value


def _language(language: str) -> str:
    choices = dict(User._meta.get_field("language").flatchoices)
    if language not in choices:
        message = _("Expected one of the languages %(languages)s, got “%(language)s”.")
        values = {"languages": ", ".join(choices), "language": language}
        raise Invalid("bad_language", message % values, field="language")
    return language


def _check_fields(user: User) -> None:
    try:
        UnicodeUsernameValidator()(user.username)
        user.clean_fields(exclude=["password", "role", "language"])
    except ValidationError as error:
        field = next(iter(error.message_dict)) if hasattr(error, "error_dict") else "username"
        raise Invalid(f"bad_{field}", " ".join(error.messages), field=field) from error


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid("weak_password", " ".join(error.messages), field="password") from error


def _not_oneself(acting_user: User | None, user: User) -> None:
    if acting_user is not None and acting_user.pk == user.pk:
        message = _("You cannot change your own role or close your own account; another administrator can.")
        raise Forbidden(message)


def _keeps_an_administrator(user: User) -> None:
    """Locks the administrators, so that two who remove each other at once cannot both succeed."""
    administrators = User.objects.select_for_update().filter(role=Role.ADMINISTRATOR, is_active=True)
    if all(other.pk == user.pk for other in administrators):
        message = _("This is the last administrator. Make another one first.")
        raise Conflict("last_administrator", message)


def _changed_meanwhile() -> Conflict:
    return Conflict(
        "changed_meanwhile", _("Somebody else changed this account just now. Load the page again.")
    )
