"""How people get an account: an administrator makes it; nobody signs up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from apps.core.middleware import client_address

_UNKNOWN_ADDRESS = "::"  # behind a local socket there is none; the column and the rate limits need one


class ClosedAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Refuses self-registration, and takes the client's address as the record does."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request) or _UNKNOWN_ADDRESS
