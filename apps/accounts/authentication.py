"""How an API request says who it is: a scoped token, or the session of a signed-in browser.

Loaded by `rest_framework.views` itself, so it must not import that.
"""

from django.utils.translation import gettext as _
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from apps.accounts.models import ApiToken, User
from apps.core import clock


class ScopedTokenAuthentication(TokenAuthentication):  # type: ignore[misc]
    """`Authorization: Token …`; the token's scope stays with the user for the length of the request."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        if not token.isascii():
            raise AuthenticationFailed(_("The token does not exist, has expired or was revoked."))
        user, api_token = super().authenticate_credentials(token)
        user.token_scope = api_token
        return user, api_token

    def _cleanup_token(self, auth_token: ApiToken) -> bool:
        """Skips an expired token; knox would delete it, and its place in the list of tokens with it."""
        return auth_token.expiry is not None and auth_token.expiry < clock.now()
