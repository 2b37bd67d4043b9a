"""Asking, deciding, opening once, locking again."""

from apps.unmasking.services.grants import grant_lock, grant_open, grant_seen, grant_spend, grants_sweep
from apps.unmasking.services.parts import part_response, parts_sweep, reveal_apply
from apps.unmasking.services.requests import (
    request_approve,
    request_create,
    request_refuse,
    request_withdraw,
)

__all__ = [
    "grant_lock",
    "grant_open",
    "grant_seen",
    "grant_spend",
    "grants_sweep",
    "part_response",
    "parts_sweep",
    "request_approve",
    "request_create",
    "request_refuse",
    "request_withdraw",
    "reveal_apply",
]
