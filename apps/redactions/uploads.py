"""A file as it arrives: into the object store part by part, counted, hashed, refused in words.

This side never decodes it. It looks at the first bytes and leaves everything else to the data plane.
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any, cast
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler
from django.http import QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.http.request import UnreadablePostError
from django.utils.translation import gettext as _

from apps.core.errors import DomainError, Invalid, Unavailable
from apps.core.large_objects import ObjectWriter, free_bytes
from apps.core.objects import object_delete
from inference_workers.contracts.redactions import input_key

_MB = 1024 * 1024
FORM_BYTES = 1 * _MB  # what the other fields and the boundaries may take
# The upload, its rendered parts, the result, and a copy on the worker's disk.
SPACE_FACTOR = 4
SPACE_RESERVE_BYTES = 512 * _MB
_LOOK_EVERY_BYTES = 64 * _MB
_START_BYTES = 512
_MAX_NAME = 160


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
    _check_length(meta)
    redaction_id = uuid4()
    store = _StoreHandler(input_key(str(redaction_id)))
    try:
        fields = _parsed(meta, stream, store)
        if store.stored is None:
            message = _("Expected a picture or a film as the file “file” of a form.")
            raise Invalid("file_missing", message, field="file")
        yield Received(redaction_id, store.filename, store.size, store.stored, fields)
    except BaseException:
        store.forget()
        raise


def _parsed(meta: Mapping[str, Any], stream: IO[bytes], store: "_StoreHandler") -> QueryDict:
    try:
        fields, _files = MultiPartParser(dict(meta), cast(Any, stream), [store]).parse()
    except MultiPartParserError as error:
        message = _("The form is not readable: %s") % error
        raise Invalid("malformed_body", message) from error
    except (UnreadablePostError, OSError) as error:
        message = _("The upload stopped before its end. Try again.")
        raise Invalid("upload_interrupted", message, field="file") from error
    return fields


def _check_length(meta: Mapping[str, Any]) -> None:
    """Before the first byte of the file is taken."""
    text = str(meta.get("CONTENT_LENGTH") or "")
    if not text.isdecimal():
        message = _("Say the length of the upload in the header Content-Length.")
        raise DomainError("length_required", message, HTTPStatus.LENGTH_REQUIRED)
    if int(text) > max_bytes() + FORM_BYTES:
        raise too_large()
    _check_space(int(text))


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


class _StoreHandler(FileUploadHandler):
    """Hands the parts of the one file to the object store as they come."""

    chunk_size = 1 * _MB

    def __init__(self, key: str) -> None:
        super().__init__()
        self.filename = ""
        self.size = 0
        self.stored: str | None = None
        self._key = key
        self._writer: ObjectWriter | None = None
        self._start = b""
        self._digest = hashlib.sha256()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self._start or self.stored is not None or self.field_name != "file":
            message = _("Expected one file, in the field “file”.")
            raise Invalid("one_file", message, field="file")
        self.filename = _clean_name(self.file_name or "")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if self._writer is None:
            self._start += raw_data
            if len(self._start) < _START_BYTES:
                return
            raw_data = self._open()
        self._take(raw_data)

    def _open(self) -> bytes:
        """Judge the first bytes, then begin to write; returns what waits to be written."""
        media_checked(self._start)
        self._writer = ObjectWriter(self._key)
        return self._start

    def _take(self, data: bytes) -> None:
        before = self.size
        self.size += len(data)
        if self.size > max_bytes():
            raise too_large()
        if self.size // _LOOK_EVERY_BYTES != before // _LOOK_EVERY_BYTES:
            _check_space(0)
        self._digest.update(data)
        if self._writer is not None:
            self._writer.write(data)

    def file_complete(self, file_size: int) -> None:
        if self._writer is None:
            self._take(self._open())
        if self._writer is not None:
            self._writer.close()
        self.stored = self._digest.hexdigest()

    def forget(self) -> None:
        """What was written so far goes; an unfinished object is finished first, or its parts would stay."""
        if self._writer is None:
            return
        with suppress(Unavailable):  # the retention of the house takes what stays behind
            if self.stored is None:
                self._writer.close()
            object_delete(self._key)


def _clean_name(name: str) -> str:
    """The name as the person knows it: for display only, it never becomes a path."""
    letters = (letter for letter in unicodedata.normalize("NFC", name) if letter.isprintable())
    return "".join(letters).strip()[:_MAX_NAME] or "file"


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
