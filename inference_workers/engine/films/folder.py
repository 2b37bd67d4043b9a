"""The folder in which a job's steps find and leave their files; names are the object keys of the contract."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from inference_workers.contracts.codec import ContractError, decode
from inference_workers.engine.errors import EngineError

T = TypeVar("T")


def canonical(value: Any) -> bytes:
    """JSON that is the same for the same value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


class WorkFolder:
    """Files below one root. A file is there as a whole or not at all, also after a kill at any moment."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        return self.root / key

    def has(self, key: str) -> bool:
        return self.path(key).is_file()

    def read(self, kind: type[T], key: str) -> T:
        """A dataclass from its JSON. Raises EngineError `step_missing` or `step_damaged`."""
        try:
            return decode(kind, self._bytes(key))
        except ContractError as error:
            raise EngineError("step_damaged", f"{key}: written by another release: {error}") from error

    def read_json(self, key: str) -> Any:
        """Raises EngineError `step_missing` or `step_damaged`."""
        try:
            return json.loads(self._bytes(key))
        except ValueError as error:
            raise EngineError("step_damaged", f"{key}: expected JSON: {error}") from error

    def _bytes(self, key: str) -> bytes:
        try:
            return self.path(key).read_bytes()
        except FileNotFoundError as error:
            raise EngineError("step_missing", f"{key}: an earlier step has not been done") from error

    def write(self, key: str, value: Any) -> None:
        """Write a dataclass or plain value as canonical JSON."""
        plain = dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value  # type: ignore[arg-type]
        with self.new_file(key) as path:
            path.write_bytes(canonical(plain))

    @contextmanager
    def new_file(self, key: str) -> Iterator[Path]:
        """A name to write to; the file gets its key when the block ends well, and goes when it does not."""
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            yield part
            _flush(part)
            part.replace(target)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sha256_of(path: Path) -> str:
    """Of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
