"""How an API request says who it is: a scoped token, or the session of a signed-in browser.

Loaded by `rest_framework.views` itself, so it must not import that.
"""

from django.utils.translation import gettext as _
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from apps.accounts.models import ApiToken, User
from apps.audit import services as audit
from apps.core import clock
from apps.core.context import current_context
from apps.core.redis import client

FAILURE_EVERY_S = 60


class ScopedTokenAuthentication(TokenAuthentication):  # type: ignore[misc]
    """`Authorization: Token …`; the token's scope stays with the user for the length of the request."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        if not token.isascii():
            _record_failure()
            raise AuthenticationFailed(_("The token does not exist, has expired or was revoked."))
        try:
            user, api_token = super().authenticate_credentials(token)
        except AuthenticationFailed:
            _record_failure()
            raise
        user.token_scope = api_token
        return user, api_token

    def _cleanup_token(self, auth_token: ApiToken) -> bool:
        """Skips an expired token; knox would delete it, and its place in the list of tokens with it."""
        return auth_token.expiry is not None and auth_token.expiry < clock.now()


def _record_failure() -> None:
    """A token that is not valid, once a minute for each address: nobody may fill the record from outside."""
    address = current_context().address
    if client().set(f"vidette:token-failed:{address}", 1, nx=True, ex=FAILURE_EVERY_S):
        audit.record_sign_in(action="token.failed")
