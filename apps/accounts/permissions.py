"""Which API request is let through: the rights that its view names, deny by default.

Loaded by `rest_framework.views` itself, so it must not import that.
"""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.accounts.roles import Capability, require
from apps.core.declared import named_for
from apps.core.errors import Forbidden


class DeclaredRights(BasePermission):
    """Lets a request through when its view names a capability (and action) that the user has.

    Deny by default: a view that names none for the method is open to nobody.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
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
