"""Write-once storage for checkpoints, outside of the database: a folder, or an S3 bucket with Object Lock.

An object is created and never written again: the store refuses a second one of the same name. In a folder the
files are read-only as well; whoever owns the folder could still delete them, so copy it elsewhere or use a
bucket whose default retention forbids deletion.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from django.conf import settings
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from apps.core.errors import Unavailable

_SUFFIX = ".json"


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


def outside_create(number: int, data: bytes) -> bool:
    """Writes one object that did not exist; False when there is one of that number already."""
    name = f"{number:012d}{_SUFFIX}"
    try:
        obstore.put(_store(settings.CHECKPOINT_URL), name, data, mode="create")
        folder = _folder(settings.CHECKPOINT_URL)
        if folder is not None:
            (folder / name).chmod(0o444)
    except (AlreadyExistsError, FileExistsError):
        return False
    except (BaseError, OSError) as error:
        raise _unavailable() from error
    return True


def outside_read(number: int) -> bytes | None:
    """The object of that number; None when there is none."""
    try:
        return bytes(obstore.get(_store(settings.CHECKPOINT_URL), f"{number:012d}{_SUFFIX}").bytes())
    except (NotFoundError, FileNotFoundError):
        return None
    except (BaseError, OSError) as error:
        raise _unavailable() from error


def outside_numbers() -> list[int]:
    """The numbers of all objects, ascending."""
    try:
        return sorted(_numbers(_store(settings.CHECKPOINT_URL)))
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
