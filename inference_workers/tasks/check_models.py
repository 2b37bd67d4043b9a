"""Uploaded models: one after the other, beside the cameras, each looked into in a process of its own."""

import logging
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from inference_workers.contracts.model_checks import (
    CheckModel,
    CheckReply,
    InstallModel,
    InstallReply,
    SignedStatement,
)
from inference_workers.contracts.model_files import ONNX
from inference_workers.contracts.models import ModelCard
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_checks.process import check_file
from inference_workers.engine.model_directory import ModelDirectory, Signed, card_of
from inference_workers.engine.onnx_files import MAX_MODEL_BYTES
from inference_workers.engine.side_file import parse_side_file
from inference_workers.objects import Objects
from inference_workers.side_files import known_by_sha256
from inference_workers.tasks.counters import Counters

logger = logging.getLogger(__name__)

Work = TypeVar("Work", CheckModel, InstallModel)
Reply = CheckReply | InstallReply


@dataclass(frozen=True, slots=True)
class ModelDesk:
    """Takes work and answers later through `tell`, so that the task returns at once to the cameras.

    Attributes:
        installed: called after an installation, so that it is announced without waiting.
    """

    objects: Objects
    directory: ModelDirectory
    scratch: Path
    counters: Counters
    tell: Callable[[Reply], None]
    installed: Callable[[], None]
    pool: ThreadPoolExecutor

    def take_check(self, work: CheckModel) -> None:
        self.pool.submit(self._told, work, self.check)

    def take_install(self, work: InstallModel) -> None:
        self.pool.submit(self._told, work, self.install)

    def _told(self, work: Work, do: Callable[[Work], Reply]) -> None:
        try:
            if time.time() > work.deadline_at:
                self.counters.add("model_work_expired")  # the ledger asks again
                return
            self.tell(do(work))
        except Exception:  # edge of the thread: the ledger asks again when nobody answers
            logger.exception("a model could not be worked on")
            self.counters.error("model_work_failed")

    def check(self, work: CheckModel) -> CheckReply:
        """Always a reply; `error_code` when nothing could be said about the file."""
        try:
            with self._fetched(work.object_key, work.size_bytes) as path:
                work = with_known_side_file(work)
                reply = check_file(path, work)
                self.counters.add("models_checked")
                return replace(reply, side_file=work.side_file, card=_card(work))
        except EngineError as error:
            self.counters.error(error.code)
            return CheckReply(
                work.version_id,
                work.attempt,
                error_code=error.code,
                error=str(error),
                transient=error.transient,
            )

    def install(self, work: InstallModel) -> InstallReply:
        """Put the file into the model directory; its bytes and its statement are compared once more."""
        try:
            with self._fetched(work.object_key) as path:
                side = parse_side_file(work.side_file.encode(), f"{work.name}.json")
                key_id, _, signature = work.signature.partition(":")
                statement = SignedStatement(work.statement, key_id, signature)
                self.directory.install(path, side, work.name, Signed(work.side_file, statement))
            self.installed()
        except EngineError as error:
            self.counters.error(error.code)
            return InstallReply(work.version_id, work.attempt, error.code, str(error), error.transient)
        return InstallReply(work.version_id, work.attempt)

    def _fetched(self, key: str, expected: int | None = None) -> "_Fetched":
        size = self.objects.size(key)
        if size > MAX_MODEL_BYTES or (expected is not None and size != expected):
            raise EngineError(
                "model_size", f"expected {expected or f'at most {MAX_MODEL_BYTES}'} bytes, got {size}"
            )
        return _Fetched(self.objects, key, self.scratch)


def with_known_side_file(work: CheckModel) -> CheckModel:
    """For bytes that this release knows nobody has to write how they are fed."""
    known = known_by_sha256(work.sha256) if work.artifact == ONNX and not work.side_file.strip() else None
    return work if known is None else replace(work, side_file=known.side.to_json())


def _card(work: CheckModel) -> ModelCard | None:
    """What the side file says; the check itself has told already when it is not readable."""
    try:
        return card_of(work.name, parse_side_file(work.side_file.encode(), work.name), work.size_bytes)
    except EngineError:
        return None


class _Fetched:
    """The object as a file in a folder of its own, gone afterwards."""

    def __init__(self, objects: Objects, key: str, scratch: Path) -> None:
        self._objects, self._key, self._scratch = objects, key, scratch
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Path:
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(prefix="model-", dir=self._scratch)
        path = Path(self._folder.name) / "artifact"
        self._objects.get_file(self._key, path)
        return path

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()


def one_at_a_time() -> ThreadPoolExecutor:
    """The pool of a desk: what it had in hand when its process dies, the ledger asks for again."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="models")
