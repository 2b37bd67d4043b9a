"""The door of every page: signed in, and with a role that may do what the page does."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.core.errors import DomainError

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def page(
    capability: Capability | None, *, methods: tuple[str, ...] = ("GET",)
) -> Callable[[View[P]], View[P]]:
    """Deny by default: every view of the console carries this with the capability that opens it."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def opened(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if capability is not None:
                require(request.user, capability)
            return view(request, *args, **kwargs)

        guarded: Any = login_required(_only(methods, opened))
        guarded.capability, guarded.methods = capability, methods
        return cast("View[P]", guarded)

    return decorate


def _only(methods: tuple[str, ...], view: Any) -> Any:
    allowed = [*methods, "HEAD"] if "GET" in methods else list(methods)
    return require_http_methods(allowed)(view)


def viewer(request: HttpRequest) -> User:
    """The signed-in user of a guarded view."""
    return cast(User, request.user)


def told(request: HttpRequest, change: Callable[[], Any], done: str) -> bool:
    """Make a change and tell the person how it went; a refusal is a sentence on the page, not an error."""
    try:
        change()
    except DomainError as error:
        messages.error(request, error.message)
        return False
    messages.success(request, done)
    return True
