"""Objects that do not fit into memory: written part by part, read as a stream, with ranges."""

import re
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import obstore
from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _
from obstore.exceptions import BaseError, NotFoundError

from apps.core.errors import DomainError, NotFound
from apps.core.objects import store, store_away

PART_BYTES = 8 * 1024 * 1024
SENT_BYTES = 256 * 1024
_PARTS_AT_ONCE = 2
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class ObjectWriter:
    """Writes one object in parts; a reader sees nothing of it before `close`."""

    def __init__(self, key: str) -> None:
        self._writer = obstore.open_writer(
            store(), key, buffer_size=PART_BYTES, max_concurrency=_PARTS_AT_ONCE
        )

    def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
        except (BaseError, OSError) as error:
            raise store_away() from error

    def close(self) -> None:
        try:
            self._writer.close()
        except (BaseError, OSError) as error:
            raise store_away() from error


def object_size(key: str) -> int:
    try:
        return int(obstore.head(store(), key)["size"])
    except (NotFoundError, FileNotFoundError) as error:
        raise NotFound(_("file")) from error
    except (BaseError, OSError) as error:
        raise store_away() from error


def free_bytes() -> int | None:
    """What the store's disk has left; None for a store that has no limit of its own (S3)."""
    parts = urlsplit(settings.OBJECT_STORE_URL)
    if parts.scheme != "file":
        return None
    folder = Path(unquote(parts.path))
    folder.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(folder).free


class ObjectResponse(StreamingHttpResponse):
    """Sends an object in small parts, under ASGI too: Django would gather a plain iterator in memory."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = iter(cast(Iterable[bytes], self.streaming_content))
        while part := await sync_to_async(_next)(parts):
            yield part


def _next(parts: Iterator[bytes]) -> bytes:
    return next(parts, b"")


def object_response(key: str, content_type: str, wanted: str = "", filename: str = "") -> HttpResponseBase:
    """The object, or the part of it that the header `Range` asks for (RFC 9110 §14); kept by no cache."""
    size = object_size(key)
    part = _range_of(wanted, size)
    if part is None:
        raise _range_outside(size)
    start, end = part
    response = ObjectResponse(object_stream(key, start, end), content_type=content_type)
    response["Accept-Ranges"] = "bytes"
    response["Content-Length"] = str(end - start)
    response["Cache-Control"] = "private, no-store"
    kind = f'attachment; filename="{filename}"' if filename else "inline"
    response["Content-Disposition"] = kind
    if wanted and (start, end) != (0, size):
        response.status_code = HTTPStatus.PARTIAL_CONTENT
        response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return response


def bytes_response(data: bytes, content_type: str, wanted: str = "") -> HttpResponse:
    """The same for a file that is in memory already."""
    part = _range_of(wanted, len(data))
    if part is None:
        raise _range_outside(len(data))
    start, end = part
    response = HttpResponse(data[start:end], content_type=content_type)
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-store"
    response["Content-Disposition"] = "inline"
    if (start, end) != (0, len(data)):
        response.status_code = HTTPStatus.PARTIAL_CONTENT
        response["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
    return response


def _range_outside(size: int) -> DomainError:
    message = _("Expected a range within the %(size)d bytes of this file.") % {"size": size}
    return DomainError("range_outside", message, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)


def _range_of(wanted: str, size: int) -> tuple[int, int] | None:
    """First byte and the byte after the last; None when no byte of the range exists.

    A header that is no single range of bytes is ignored, as the standard asks.
    """
    match = _RANGE.fullmatch(wanted.strip())
    if match is None or match.groups() == ("", ""):
        return 0, size
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
    return (start, end) if start < end else None


def object_stream(key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The bytes of an object from `start` until before `end`, in small parts; to its last byte for None."""
    if end is not None and end <= start:
        return
    options: Any = {"range": {"offset": start} if end is None else (start, end)}
    try:
        for part in obstore.get(store(), key, options=options).stream(min_chunk_size=SENT_BYTES):
            yield bytes(part)
    except (NotFoundError, FileNotFoundError) as error:
        raise NotFound(_("file")) from error
    except (BaseError, OSError) as error:
        raise store_away() from error
