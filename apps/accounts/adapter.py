"""How people get an account: an administrator makes it; nobody signs up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Refuses self-registration."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
