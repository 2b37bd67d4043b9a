"""Acts on one's own account that allauth has no address for."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.models import User
from apps.accounts.services import sessions_end


@require_POST
@login_required
def session_end(request: HttpRequest, session_id: int) -> HttpResponse:
    """Ends one of the signed-in person's own sessions."""
    user = cast(User, request.user)
    sessions_end(acting_user=user, user=user, session_id=session_id)
    messages.success(request, _("The session is ended."))
    return redirect("usersessions_list")
