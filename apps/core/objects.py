"""The object store of the control plane: a folder or an S3 bucket, through obstore."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import obstore
from django.conf import settings
from django.utils.translation import gettext as _
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from apps.core.errors import NotFound, Unavailable


@cache
def _store(url: str) -> ObjectStore:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return LocalStore(Path(unquote(parts.path)), mkdir=True)
    return from_url(url)


def store() -> ObjectStore:
    return _store(settings.OBJECT_STORE_URL)


def store_away() -> Unavailable:
    return Unavailable(
        "objects_unavailable",
        _("The object store does not answer now. Try again soon; an administrator can see on Health why."),
    )


def object_get(key: str) -> bytes:
    """Raises NotFound for a missing object and Unavailable when the store does not answer."""
    try:
        return bytes(obstore.get(store(), key).bytes())
    except (NotFoundError, FileNotFoundError) as error:
        raise NotFound(_("picture")) from error
    except (BaseError, OSError) as error:
        raise store_away() from error


def object_put(key: str, data: bytes | IO[bytes]) -> None:
    try:
        obstore.put(store(), key, data)
    except (BaseError, OSError) as error:
        raise store_away() from error


def object_delete(key: str) -> None:
    """Deleting what is gone already is fine."""
    try:
        obstore.delete(store(), key)
    except (NotFoundError, FileNotFoundError):
        return
    except (BaseError, OSError) as error:
        raise store_away() from error


@dataclass(frozen=True, slots=True)
class Listed:
    """One object as the store lists it."""

    key: str
    bytes: int
    modified_at: datetime


def objects_list(prefix: str) -> Iterator[list[Listed]]:
    """All objects whose keys begin with the folder `prefix`, in portions, in no order that counts."""
    try:
        for portion in obstore.list(store(), prefix):
            yield [Listed(row["path"], row["size"], row["last_modified"]) for row in portion]
    except (BaseError, OSError) as error:
        raise store_away() from error


def object_head_bytes(key: str, count: int) -> bytes:
    """The first bytes of an object, as many as there are."""
    options: Any = {"range": (0, count)}
    try:
        return bytes(obstore.get(store(), key, options=options).bytes())
    except (NotFoundError, FileNotFoundError) as error:
        raise NotFound(_("file")) from error
    except (BaseError, OSError) as error:
        raise store_away() from error
