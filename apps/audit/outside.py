"""Write-once storage for checkpoints, outside of the database: a folder, or an S3 bucket with Object Lock.

An object is created and never written again: the store refuses a second one of the same name. In a folder the
files are read-only as well; whoever owns the folder could still delete them, so copy it elsewhere or use a
bucket whose default retention forbids deletion.
"""

import base64
import hashlib
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import timedelta
from email.message import Message
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit

import obstore
from django.conf import settings
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from apps.core.errors import Unavailable

_SUFFIX = ".json"
TIMEOUT_S, SIGNED_S = 10, 60


@cache
def _store(url: str) -> ObjectStore:
    folder = _folder(url)
    if folder is None:
        return from_url(url)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return LocalStore(folder)


def _folder(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def outside_store() -> Any:
    """Any: what signs addresses is not in the type of a store."""
    return _store(settings.CHECKPOINT_URL)


def outside_name(number: int) -> str:
    return f"{number:012d}{_SUFFIX}"


def outside_create(number: int, data: bytes) -> bool:
    """Writes one object that did not exist; False when there is one of that number already."""
    name, folder = outside_name(number), _folder(settings.CHECKPOINT_URL)
    try:
        if folder is None:
            return _bucket_create(name, data)
        obstore.put(outside_store(), name, data, mode="create")
        (folder / name).chmod(0o444)
    except (AlreadyExistsError, FileExistsError):
        return False
    except (BaseError, OSError, ValueError) as error:
        raise _unavailable() from error
    return True


def _bucket_create(name: str, data: bytes) -> bool:
    """A signed PUT of our own: a bucket with Object Lock refuses objects without Content-MD5, which obstore
    does not send. The header is not `x-amz-…`, so it need not be signed; the bucket compares it with what
    came."""
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    headers = {
        "Content-MD5": base64.b64encode(digest).decode(),
        "Content-Type": "application/json",
        "If-None-Match": "*",
    }
    try:
        bucket_ask("PUT", name, data, headers)
    except HTTPError as error:
        if error.code == HTTPStatus.PRECONDITION_FAILED:
            return False
        said = error.read(2000).decode(errors="replace")
        raise OSError(f"the bucket answered {error.code}: {said}") from error
    return True


def bucket_ask(
    method: Literal["PUT", "HEAD"],
    name: str,
    data: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Message:
    """One signed request for an object of the bucket; returns the headers of the answer.

    Raises HTTPError for a refusal, OSError where nothing answers.
    """
    url = obstore.sign(outside_store(), method, name, timedelta(seconds=SIGNED_S))
    if not url.startswith(("https://", "http://")):
        raise ValueError("expected a signed address of the bucket")
    request = urllib.request.Request(url, data, dict(headers or {}), method=method)  # noqa: S310 - checked
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
        found: Message = answer.headers
    return found


def outside_read(number: int) -> bytes | None:
    """The object of that number; None when there is none."""
    try:
        return bytes(obstore.get(outside_store(), outside_name(number)).bytes())
    except (NotFoundError, FileNotFoundError):
        return None
    except (BaseError, OSError) as error:
        raise _unavailable() from error


def outside_numbers() -> list[int]:
    """The numbers of all objects, ascending."""
    try:
        return sorted(_numbers(outside_store()))
    except (BaseError, OSError) as error:
        raise _unavailable() from error


def _numbers(store: ObjectStore) -> Iterator[int]:
    for page in obstore.list(store):
        for entry in page:
            stem = entry["path"].removesuffix(_SUFFIX)
            if stem.isdecimal():
                yield int(stem)


def _unavailable() -> Unavailable:
    return Unavailable(
        "checkpoints_unavailable",
        "The storage of the record's checkpoints does not answer now. An administrator can see in "
        "VIDETTE_CHECKPOINT_URL where it is.",
    )
