"""A file as it arrives: stored while it is read, refused in words.

This side never decodes it. It looks at the first bytes and leaves everything else to the data plane.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any
from uuid import UUID, uuid4

from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext as _

from apps.core.errors import DomainError, Invalid
from apps.core.large_objects import free_bytes
from apps.core.uploads import UploadRules, upload_stored
from inference_workers.contracts.redactions import input_key

_MB = 1024 * 1024
# The upload, its rendered parts, the result, and a copy on the worker's disk.
SPACE_FACTOR = 4
SPACE_RESERVE_BYTES = 512 * _MB


@dataclass(frozen=True, slots=True)
class Received:
    """A file that lies in the object store, and the other fields of its form."""

    redaction_id: UUID
    filename: str
    size_bytes: int
    sha256: str
    fields: QueryDict


@contextmanager
def upload_received(meta: Mapping[str, Any], stream: IO[bytes]) -> Iterator[Received]:
    """Take a multipart form in. When the block raises, nothing of the file stays behind."""
    redaction_id = uuid4()
    rules = UploadRules(
        input_key(str(redaction_id)), max_bytes(), too_large, _missing, media_checked, _check_space
    )
    with upload_stored(meta, stream, rules) as stored:
        yield Received(redaction_id, stored.filename, stored.size_bytes, stored.sha256, stored.fields)


def _missing() -> DomainError:
    message = _("Expected a picture or a film as the file “file” of a form.")
    return Invalid("file_missing", message, field="file")


def max_bytes() -> int:
    return int(settings.REDACTION_MAX_MB) * _MB


def too_large() -> DomainError:
    return DomainError(
        "file_too_large",
        _("A file may have at most %(most)d MB; an administrator can change that.")
        % {"most": settings.REDACTION_MAX_MB},
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )


def _check_space(size: int) -> None:
    free = free_bytes()
    needed = size * SPACE_FACTOR + SPACE_RESERVE_BYTES
    if free is not None and free < needed:
        values = {"needed": needed // _MB, "free": free // _MB}
        message = _(
            "This file needs about %(needed)d MB while it is worked on, and the object store has %(free)d MB "
            "free. An administrator can make room."
        )
        raise DomainError("no_space", message % values, HTTPStatus.INSUFFICIENT_STORAGE)


def media_checked(start: bytes) -> None:
    """Refuses what is plainly no picture and no film; what looks like one is judged by the data plane."""
    if not start:
        raise Invalid("file_empty", _("The file is empty."), field="file")
    if not (_is_picture(start) or _is_film(start)):
        raise DomainError(
            "file_format",
            _("Expected a picture (JPEG, PNG, WebP) or a film (MP4, MOV, MKV, WebM, AVI, MPEG); the first "
              "bytes are of none of them."),
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )  # fmt: skip


def _is_picture(start: bytes) -> bool:
    return start.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or start[8:12] == b"WEBP"


def _is_film(start: bytes) -> bool:
    """MP4 and MOV, AVI, Matroska and WebM, MPEG programs, MPEG transport streams."""
    return (
        start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
        or (start[:4] == b"RIFF" and start[8:12] == b"AVI ")
        or start.startswith((b"\x1a\x45\xdf\xa3", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"))
        or (start[:1] == b"G" and start[188:189] == b"G")
    )
