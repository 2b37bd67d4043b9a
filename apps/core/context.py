"""Who acts, from where and why: the context that every entry of the record is written in.

The context of an HTTP request is resolved when it is asked for, because the API learns the user of a token
only inside the view.
"""

import re
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import sync_to_async

MAX_PURPOSE_CHARACTERS = 80
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


@dataclass(frozen=True)
class AuditContext:
    """The actor as text, so that the record outlives the account; `token` is the name of an API token."""

    actor_id: str
    actor_name: str
    actor_role: str
    address: str
    request_id: str
    purpose: str
    token: str = ""


@dataclass
class _Scope:
    resolve: Callable[[], AuditContext]
    request_id: str
    at_end: list[Callable[[], object]] = field(default_factory=list)
    # What the record refused; shared with the scope around this one.
    failures: list[Exception] = field(default_factory=list)

    def finish(self) -> None:
        """Runs what was put off, once."""
        callbacks, self.at_end = self.at_end, []
        for callback in callbacks:
            callback()


_scope: ContextVar[_Scope | None] = ContextVar("vidette_audit_scope", default=None)


def current_context() -> AuditContext:
    """The context of this request, message or command; a process that has set none is named as such."""
    scope = _scope.get()
    return scope.resolve() if scope is not None else system_context("process")


def current_request_id() -> str:
    """The id of this request, empty outside of one; never asks the database, so that logs can use it."""
    scope = _scope.get()
    return scope.request_id if scope is not None else ""


@contextmanager
def audit_context(context: AuditContext) -> Iterator[None]:
    """Runs the block in this context; what was put off with `at_context_end` runs when it ends."""
    with request_scope(lambda: context, context.request_id):
        yield


@contextmanager
def request_scope(resolve: Callable[[], AuditContext], request_id: str) -> Iterator[_Scope]:
    """Like `audit_context`, for a request whose user is known only later."""
    scope = _new_scope(resolve, request_id)
    token = _scope.set(scope)
    try:
        yield scope
    finally:
        try:
            scope.finish()
        finally:
            _scope.reset(token)


@asynccontextmanager
async def async_request_scope(resolve: Callable[[], AuditContext], request_id: str) -> AsyncIterator[_Scope]:
    """`request_scope` for an event loop: what was put off runs in the thread of the database."""
    scope = _new_scope(resolve, request_id)
    token = _scope.set(scope)
    try:
        yield scope
    finally:
        try:
            if scope.at_end:
                await sync_to_async(scope.finish)()
        finally:
            _scope.reset(token)


def _new_scope(resolve: Callable[[], AuditContext], request_id: str) -> _Scope:
    around = _scope.get()
    return _Scope(resolve, request_id, failures=around.failures if around is not None else [])


def note_failure(error: Exception) -> None:
    """Something of this request could not be recorded: whoever catches the error, the answer is a refusal."""
    scope = _scope.get()
    if scope is not None:
        scope.failures.append(error)


def at_context_end(callback: Callable[[], object]) -> bool:
    """Runs `callback` when the surrounding context ends; False when there is none."""
    scope = _scope.get()
    if scope is None:
        return False
    scope.at_end.append(callback)
    return True


def system_context(name: str) -> AuditContext:
    """The context of a process or command that acts by itself: "recorder", "up", …"""
    return AuditContext("", name, "system", "", new_request_id(), name)


def context_for(user: Any, *, address: str = "", request_id: str = "", purpose: str = "") -> AuditContext:
    """The context of a signed-in user, or of a visitor whom nobody knows yet."""
    request_id = request_id or new_request_id()
    if user is None or not user.is_authenticated:
        return AuditContext("", "anonymous", "", address, request_id, purpose)
    scope = getattr(user, "token_scope", None)
    return AuditContext(
        actor_id=str(user.pk),
        actor_name=user.get_username(),
        actor_role=str(user.role),
        address=address,
        request_id=request_id,
        purpose=purpose,
        token=scope.name if scope is not None else "",
    )


def new_request_id() -> str:
    return uuid.uuid4().hex


def accepted_request_id(offered: str) -> str:
    """The id that a proxy or client offers, when it is well-formed; else a new one."""
    return offered if _REQUEST_ID.fullmatch(offered) else new_request_id()


def clean_purpose(text: str) -> str:
    """A purpose as it may enter the record: one printable line of bounded length."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line[:MAX_PURPOSE_CHARACTERS]
