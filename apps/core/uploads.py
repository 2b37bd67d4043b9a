"""A file as it arrives: into the object store part by part, counted, hashed, refused in words.

What an app allows (how large, of which kind, with how much room) it says in `UploadRules`; nothing here ever
opens a file beyond its first bytes.
"""

import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any, cast

from django.core.files.uploadhandler import FileUploadHandler
from django.http import QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.http.request import UnreadablePostError
from django.utils.translation import gettext as _

from apps.core.errors import DomainError, Invalid, Unavailable
from apps.core.large_objects import ObjectWriter
from apps.core.objects import object_delete

_MB = 1024 * 1024
FORM_BYTES = 1 * _MB  # what the other fields and the boundaries may take
START_BYTES = 512
_LOOK_EVERY_BYTES = 64 * _MB
_MAX_NAME = 160


@dataclass(frozen=True, slots=True)
class UploadRules:
    """What one kind of upload allows.

    Attributes:
        key: where the file goes in the object store.
        max_bytes: of the file alone.
        too_large: the refusal of a larger one.
        missing: the refusal of a form without the file.
        judge: raises for first bytes (START_BYTES, or all of a shorter file) that are not of this kind.
        space: raises when the store has no room for so many bytes; 0 asks whether it still has any.
    """

    key: str
    max_bytes: int
    too_large: Callable[[], DomainError]
    missing: Callable[[], DomainError]
    judge: Callable[[bytes], None]
    space: Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that lies in the object store, and the other fields of its form."""

    key: str
    filename: str
    size_bytes: int
    sha256: str
    start: bytes
    fields: QueryDict


@contextmanager
def upload_stored(meta: Mapping[str, Any], stream: IO[bytes], rules: UploadRules) -> Iterator[Stored]:
    """Take a multipart form in. When the block raises, nothing of the file stays behind."""
    _check_length(meta, rules)
    handler = _StoreHandler(rules)
    try:
        fields = _parsed(meta, stream, handler)
        if handler.stored is None:
            raise rules.missing()
        yield Stored(rules.key, handler.filename, handler.size, handler.stored, handler.start, fields)
    except BaseException:
        handler.forget()
        raise


def _parsed(meta: Mapping[str, Any], stream: IO[bytes], handler: "_StoreHandler") -> QueryDict:
    try:
        fields, _files = MultiPartParser(dict(meta), cast(Any, stream), [handler]).parse()
    except MultiPartParserError as error:
        message = _("The form is not readable: %s") % error
        raise Invalid("malformed_body", message) from error
    except (UnreadablePostError, OSError) as error:
        message = _("The upload stopped before its end. Try again.")
        raise Invalid("upload_interrupted", message, field="file") from error
    return fields


def _check_length(meta: Mapping[str, Any], rules: UploadRules) -> None:
    """Before the first byte of the file is taken."""
    text = str(meta.get("CONTENT_LENGTH") or "")
    if not text.isdecimal():
        message = _("Say the length of the upload in the header Content-Length.")
        raise DomainError("length_required", message, HTTPStatus.LENGTH_REQUIRED)
    if int(text) > rules.max_bytes + FORM_BYTES:
        raise rules.too_large()
    rules.space(int(text))


class _StoreHandler(FileUploadHandler):
    """Hands the parts of the one file to the object store as they come."""

    chunk_size = 1 * _MB

    def __init__(self, rules: UploadRules) -> None:
        super().__init__()
        self.filename = ""
        self.size = 0
        self.start = b""
        self.stored: str | None = None
        self._rules = rules
        self._writer: ObjectWriter | None = None
        self._digest = hashlib.sha256()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.start or self.stored is not None or self.field_name != "file":
            message = _("Expected one file, in the field “file”.")
            raise Invalid("one_file", message, field="file")
        self.filename = _clean_name(self.file_name or "")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if self._writer is None:
            self.start += raw_data
            if len(self.start) < START_BYTES:
                return
            raw_data = self._open()
        self._take(raw_data)

    def _open(self) -> bytes:
        """Judge the first bytes, then begin to write; returns what waits to be written."""
        waiting, self.start = self.start, self.start[:START_BYTES]
        self._rules.judge(self.start)
        self._writer = ObjectWriter(self._rules.key)
        return waiting

    def _take(self, data: bytes) -> None:
        before = self.size
        self.size += len(data)
        if self.size > self._rules.max_bytes:
            raise self._rules.too_large()
        if self.size // _LOOK_EVERY_BYTES != before // _LOOK_EVERY_BYTES:
            self._rules.space(0)
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
            object_delete(self._rules.key)


def _clean_name(name: str) -> str:
    """The name as the person knows it: for display only, it never becomes a path."""
    letters = (letter for letter in unicodedata.normalize("NFC", name) if letter.isprintable())
    return "".join(letters).strip()[:_MAX_NAME] or "file"
