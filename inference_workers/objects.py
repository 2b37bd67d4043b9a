"""The object store of the data plane: redacted snapshots out, uploaded pictures in."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, S3Store

from inference_workers.engine.errors import EngineError

PART_BYTES = 8 * 1024 * 1024
MAX_OBJECT_BYTES = 64 * 1024 * 1024
_KEY = re.compile(r"[a-z]{2,20}(/[A-Za-z0-9][A-Za-z0-9._=-]{0,127}){1,6}")


class Objects:
    """One store. Safe in several threads.

    Args:
        url: `file:///…` for a local folder (made when missing) or `s3://bucket/prefix`; S3 credentials come
            from the standard AWS variables.
    """

    def __init__(self, url: str) -> None:
        self._store = _open(url)

    def put(self, key: str, data: bytes) -> None:
        """Write one object; a reader sees all of it or nothing."""
        _check(key)
        try:
            obstore.put(self._store, key, data)
        except (BaseError, OSError) as error:
            raise _unreachable("write", key, error) from error

    def get(self, key: str, max_bytes: int = MAX_OBJECT_BYTES) -> bytes:
        """Raises EngineError `object_missing`, `object_too_large`, `object_store_unreachable`."""
        _check(key)
        try:
            found = obstore.get(self._store, key)
            if found.meta["size"] > max_bytes:
                raise EngineError(
                    "object_too_large",
                    f"{key}: expected at most {max_bytes} bytes, the object has {found.meta['size']}",
                )
            return bytes(found.bytes())
        except (NotFoundError, FileNotFoundError) as error:
            raise EngineError("object_missing", f"{key}: expected an object, there is none") from error
        except (BaseError, OSError) as error:
            raise _unreachable("read", key, error) from error

    def size(self, key: str) -> int:
        """Bytes of one object. Raises EngineError `object_missing`, `object_store_unreachable`."""
        _check(key)
        try:
            return int(obstore.head(self._store, key)["size"])
        except (NotFoundError, FileNotFoundError) as error:
            raise EngineError("object_missing", f"{key}: expected an object, there is none") from error
        except (BaseError, OSError) as error:
            raise _unreachable("read", key, error) from error

    def exists(self, key: str) -> bool:
        try:
            self.size(key)
        except EngineError as error:
            if error.code == "object_missing":
                return False
            raise
        return True

    def get_file(self, key: str, path: Path) -> None:
        """Write one object of any size to a file, part by part."""
        _check(key)
        try:
            found = obstore.get(self._store, key)
            with path.open("wb") as file:
                for part in found.stream(min_chunk_size=PART_BYTES):
                    file.write(part)
        except (NotFoundError, FileNotFoundError) as error:
            raise EngineError("object_missing", f"{key}: expected an object, there is none") from error
        except (BaseError, OSError) as error:
            raise _unreachable("read", key, error) from error

    def put_file(self, key: str, path: Path) -> None:
        """Write one object of any size from a file, part by part; a reader sees all of it or nothing."""
        _check(key)
        try:
            obstore.put(self._store, key, path, chunk_size=PART_BYTES, max_concurrency=2)
        except (BaseError, OSError) as error:
            raise _unreachable("write", key, error) from error

    def delete(self, key: str) -> None:
        """Remove one object; nothing happens when it is gone already."""
        _check(key)
        try:
            obstore.delete(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise _unreachable("delete", key, error) from error


def _open(url: str) -> ObjectStore:
    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        folder.mkdir(parents=True, exist_ok=True)
        return LocalStore(folder)
    return S3Store.from_url(url, client_options={"timeout": "15s", "connect_timeout": "5s"})


def _check(key: str) -> None:
    """Keys are made by us from ids; anything else is a mistake or an attack."""
    if not _KEY.fullmatch(key) or ".." in key:
        raise EngineError("object_key", f"expected an object key such as snapshots/…, got {key!r:.120}")


def _unreachable(verb: str, key: str, error: Exception) -> EngineError:
    # Only the kind of the error: its text may hold the store's address with credentials.
    return EngineError(
        "object_store_unreachable",
        f"could not {verb} {key}: {type(error).__name__}; check OBJECT_STORE_URL, the disk and the network",
        transient=True,
    )
