"""Acts on one's own account that allauth has no address for."""

from http import HTTPStatus
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.models import User
from apps.accounts.services import sessions_end
from apps.core.errors import DomainError


@require_POST
@login_required
def session_end(request: HttpRequest, session_id: int) -> HttpResponse:
    """Ends one of the signed-in person's own sessions."""
    user = cast(User, request.user)
    sessions_end(acting_user=user, user=user, session_id=session_id)
    messages.success(request, _("The session is ended."))
    return redirect("usersessions_list")


def by_administrator(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Stands before allauth's pages that would sign people up or send mail."""
    message = _("Accounts and forgotten passwords are an administrator's business: ask one of them.")
    raise DomainError("by_administrator", message, HTTPStatus.NOT_FOUND)
