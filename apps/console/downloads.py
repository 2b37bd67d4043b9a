"""Archives that were made in a file, sent as a download: small ones in one piece, large ones in parts."""

from collections.abc import AsyncIterator, Iterator
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

SPOOL_BYTES = 4 * 1024 * 1024
CHUNK_BYTES = 256 * 1024
ZIP = "application/zip"


def zip_response(request: HttpRequest, file: IO[bytes], size: int, name: str) -> HttpResponseBase:
    """Sends `file` from its beginning and closes it."""
    response: HttpResponse | StreamingHttpResponse
    if size <= SPOOL_BYTES:
        with file:
            response = HttpResponse(file.read(), content_type=ZIP)
    else:
        chunks: Any = _async_chunks(file) if isinstance(request, ASGIRequest) else _chunks(file)
        response = StreamingHttpResponse(chunks, content_type=ZIP)
        response._resource_closers.append(file.close)  # type: ignore[attr-defined]  # as FileResponse does it
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


async def _async_chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await sync_to_async(file.read)(CHUNK_BYTES):
        yield chunk
