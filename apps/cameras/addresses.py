"""The address of a camera: checked by its kind, and parted from credentials that were typed into it.

This is the first look only. The data plane resolves the name, compares the address with the networks that
the site allows, and refuses again (PITFALLS 11).
"""

import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import PurePosixPath
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit, urlunsplit

from django.utils.translation import gettext as _

from apps.cameras.models import SourceKind
from apps.core.errors import DomainError

MAX_LENGTH = 500
SCHEMES = {
    SourceKind.RTSP: ("rtsp", "rtsps"),
    SourceKind.MJPEG: ("http", "https"),
    SourceKind.HLS: ("http", "https"),
}
_SECRET_PARAMETER = re.compile(r"pass|pwd|secret|token|auth|credential|apikey|api_key|^key$|^sig$", re.I)
_USB_DEVICE = re.compile(r"/dev/video\d{1,3}")
_PATTERN_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_PRINTABLE = re.compile(r"[^\x00-\x20\x7f]+")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens a camera. Never in a log: `repr` says nothing."""

    username: str
    password: str

    def __repr__(self) -> str:
        return "Credentials(…)"


@dataclass(frozen=True, slots=True)
class Address:
    """An address that may be stored, and the credentials that were part of what was typed."""

    url: str
    credentials: Credentials | None = None

    @property
    def origin(self) -> tuple[str, str, int | None]:
        """Scheme, host and port: whom a password would be told to."""
        parts = urlsplit(self.url)
        return parts.scheme, parts.hostname or "", parts.port


def address_parse(kind: str, typed: str) -> Address:
    """Check what a person typed. Raises DomainError("invalid_address") with a sentence without the secret."""
    typed = typed.strip()
    if not typed or len(typed) > MAX_LENGTH:
        raise _invalid(_("The address must have 1 to %(most)d characters.") % {"most": MAX_LENGTH})
    if kind in SCHEMES:
        return _network_address(SourceKind(kind), typed)
    if kind == SourceKind.FILE:
        return Address(_file_path(typed))
    if kind == SourceKind.USB:
        return Address(_matching(_USB_DEVICE, typed, _("A USB camera is named like /dev/video0.")))
    if kind == SourceKind.SYNTHETIC:
        return Address(_matching(_PATTERN_NAME, typed, _("A test pattern is named like clock.")))
    raise DomainError("invalid_source", _("This kind of source is not known."))


def kind_of(typed: str) -> SourceKind:
    """The kind that an address most likely means: used where a person gives nothing but the address."""
    scheme = typed.partition(":")[0].lower()
    if scheme in SCHEMES[SourceKind.RTSP]:
        return SourceKind.RTSP
    if scheme in SCHEMES[SourceKind.HLS]:
        path = urlsplit(typed).path.lower()
        return SourceKind.HLS if path.endswith(".m3u8") else SourceKind.MJPEG
    return SourceKind.USB if _USB_DEVICE.fullmatch(typed) else SourceKind.FILE


def _network_address(kind: SourceKind, typed: str) -> Address:
    parts = _split(kind, typed)
    credentials = None
    if parts.username is not None or parts.password is not None:
        credentials = Credentials(unquote(parts.username or ""), unquote(parts.password or ""))
    _refuse_secret_parameters(parts)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="")
    return Address(urlunsplit(bare), credentials)


def _split(kind: SourceKind, typed: str) -> SplitResult:
    schemes = SCHEMES[kind]
    if not _PRINTABLE.fullmatch(typed):
        raise _invalid(_("The address must not contain spaces or control characters."))
    try:
        parts = urlsplit(typed)
        port = parts.port
    except ValueError as error:
        raise _invalid(_("The address is not a valid URL.")) from error
    if parts.scheme not in schemes:
        expected = ", ".join(f"{scheme}://" for scheme in schemes)
        raise _invalid(_("The address must start with %(schemes)s.") % {"schemes": expected})
    if not parts.hostname or port == 0:
        raise _invalid(_("The address must name a host and may name a port from 1 to 65535."))
    return parts


def _refuse_secret_parameters(parts: SplitResult) -> None:
    for name, _value in parse_qsl(parts.query, keep_blank_values=True):
        if _SECRET_PARAMETER.search(name):
            raise DomainError(
                "address_holds_secret",
                _(
                    "The parameter “%(name)s” of the address looks like a secret. Leave it out and give "
                    "the user name and password in their own fields."
                )
                % {"name": name[:40]},
            )


def _file_path(typed: str) -> str:
    if "\x00" in typed or "://" in typed or ".." in PurePosixPath(typed).parts:
        raise _invalid(_("A file is named by its path below a media folder, without “..”."))
    return typed


def _matching(pattern: re.Pattern[str], typed: str, sentence: str) -> str:
    if not pattern.fullmatch(typed):
        raise _invalid(sentence)
    return typed


def _invalid(sentence: str) -> DomainError:
    return DomainError("invalid_address", sentence, HTTPStatus.UNPROCESSABLE_ENTITY)
