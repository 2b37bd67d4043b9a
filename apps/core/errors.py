"""Errors of the domain: a stable code, a sentence for a person, an HTTP status."""

from http import HTTPStatus

from django.utils.translation import gettext as _


class DomainError(Exception):
    """A refusal that the product explains: what was expected, what came, who can help."""

    def __init__(
        self, code: str, message: str, status: HTTPStatus | int = HTTPStatus.UNPROCESSABLE_ENTITY
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = HTTPStatus(status)


class Invalid(DomainError):
    """What came does not have the expected form; `field` names the part that is wrong."""

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(code, message, HTTPStatus.BAD_REQUEST)
        self.field = field


class NotFound(DomainError):
    """Missing and forbidden look the same to the one who asks. `kind` is a noun in the reader's language."""

    def __init__(self, kind: str) -> None:
        text = _("No such {kind}, or it is not open to you.").format(kind=kind)
        super().__init__("not_found", text, HTTPStatus.NOT_FOUND)


class Forbidden(DomainError):
    """The role or the token does not cover this kind of action; says nothing about any object."""

    def __init__(self, message: str) -> None:
        super().__init__("forbidden", message, HTTPStatus.FORBIDDEN)


class Conflict(DomainError):
    """Somebody else changed it first."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, HTTPStatus.CONFLICT)


class Unavailable(DomainError):
    """A part that is needed cannot answer now; the same request may succeed later."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, HTTPStatus.SERVICE_UNAVAILABLE)
