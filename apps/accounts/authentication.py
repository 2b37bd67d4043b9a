"""How an API request says who it is: a scoped token, or the session of a signed-in browser."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.accounts.models import ApiToken, User
from apps.accounts.roles import Capability, require
from apps.core import clock
from apps.core.api import named_for
from apps.core.errors import Forbidden


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


class DeclaredRights(BasePermission):
    """Lets a request through when its view names a capability (and action) that the user has.

    Deny by default: a view that names none for the method is open to nobody.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        if request.method == "OPTIONS":
            return True
        capability = named_for(getattr(view, "capability", None), request.method or "")
        action = named_for(getattr(view, "required_action", None), request.method or "")
        if capability is None:
            raise Forbidden(_("This address is open to nobody with this method."))
        require(request.user, Capability(capability))
        self._check_action(request, action)
        return True

    def _check_action(self, request: Request, action: str | None) -> None:
        scope = getattr(request.user, "token_scope", None)
        if scope is not None and action not in scope.actions:
            raise Forbidden(_("The token does not cover this action: %s.") % (action or "-"))


class ScopedTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes the token in the OpenAPI document."""

    target_class = "apps.accounts.authentication.ScopedTokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token` and the value that was shown when the token was made.",
        }
