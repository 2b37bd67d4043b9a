"""Changes of users, tokens and sessions. Each is one transaction with its entry in the record."""

from apps.accounts.services.sessions import sessions_end
from apps.accounts.services.tokens import token_create, token_revoke
from apps.accounts.services.users import (
    user_create,
    user_set_active,
    user_set_password,
    user_set_role,
    user_update,
)

__all__ = [
    "sessions_end",
    "token_create",
    "token_revoke",
    "user_create",
    "user_set_active",
    "user_set_password",
    "user_set_role",
    "user_update",
]
