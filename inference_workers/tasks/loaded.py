"""The models that stay in memory, and how one takes over from another while pictures keep coming.

A version that is to take over is loaded and warmed in a thread of its own; until it is ready whoever asks is
told so and uses the version before it. No lock is held meanwhile, so every other model answers as always. A
version that was replaced goes when nobody has used it for a few seconds: a batch that still runs holds it.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import psutil

from inference_workers.contracts.lease import ModelRef
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_directory import LoadedModel, ModelDirectory

MAX_MODELS = 12
MAX_FILE_BYTES = 1024 * 1024 * 1024
# What must stay free for frames and the other processes after a model was loaded.
RESERVE_BYTES = 256 * 1024 * 1024
# A session takes about three times its file: weights, their prepacked copy, activations.
MEMORY_PER_FILE_BYTE = 3
# A model that was used within this time is in use: cameras on which nothing moves ask every ten seconds.
ACTIVE_S = 30.0
UNLOAD_AFTER_S = 5.0
# A version that could not be loaded is tried again, not with every batch.
RETRY_AFTER_S = 15.0

Key = tuple[str, str, tuple[int, int] | None]
logger = logging.getLogger(__name__)


class Need(IntEnum):
    """Whose place a model may take when there is not enough for all.

    `ALONE`: nothing serves until it is there, so anything else may go. `SWAP`: another version serves
    meanwhile, so whatever serves stays. `SHADOW`: nobody waits for it, so whatever is in use stays.
    """

    ALONE = 0
    SWAP = 1
    SHADOW = 2


@dataclass(slots=True)
class _Kept:
    """A model in memory. Times are seconds of the clock: its last use at all, and for what is published."""

    model: LoadedModel
    used_at: float
    served_at: float = float("-inf")
    replaced: bool = False

    def needed_at(self, need: Need) -> float:
        """When it was last used for something that comes before this need."""
        if need is Need.ALONE:
            return float("-inf")
        return self.served_at if need is Need.SWAP else self.used_at


class LoadedModels:
    """Least recently used models go first. Safe in several threads; a model is loaded once."""

    def __init__(
        self,
        directory: ModelDirectory,
        max_models: int = MAX_MODELS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._max_models = max_models
        self._clock = clock
        self._kept: dict[Key, _Kept] = {}
        self._coming: dict[Key, Future[LoadedModel]] = {}
        self._refused: dict[Key, tuple[EngineError, float]] = {}
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()

    def get(self, ref: ModelRef, *, input_size: tuple[int, int] | None = None) -> LoadedModel:
        """The model, however long it takes.

        Raises:
            EngineError: those of `ModelDirectory.load`, and `memory_short`.
        """
        key = (ref.name, ref.sha256, input_size)
        while True:
            found, coming = self._find(key, Need.ALONE)
            if found is not None:
                return found
            if coming is None:
                return self._load(key, ref, Need.ALONE).result()
            coming.exception()  # another thread loads it; should that fail, it is tried with this need

    def ready(self, ref: ModelRef, need: Need) -> LoadedModel | None:
        """The model if it is ready; else None, and it is being loaded from now on.

        Raises:
            EngineError: it could not be loaded a short while ago, and why.
        """
        key = (ref.name, ref.sha256, None)
        with self._lock:
            if (model := self._use(key, need)) is not None:
                return model
            if key in self._coming:
                return None
            error, at = self._refused.get(key, (None, 0.0))
            if error is not None and self._clock() - at < RETRY_AFTER_S:
                raise EngineError(error.code, str(error), transient=error.transient)
            self._coming[key] = Future()
        threading.Thread(target=self._load, args=(key, ref, need), name="load-model", daemon=True).start()
        return None

    def has(self, ref: ModelRef) -> bool:
        with self._lock:
            return (ref.name, ref.sha256, None) in self._kept

    def replace(self, ref: ModelRef) -> None:
        """Another version has taken over from this one here; it goes when nobody uses it any more."""
        with self._lock:
            if (kept := self._kept.get((ref.name, ref.sha256, None))) is not None:
                kept.replaced = True
        self.unload_replaced()

    def unload_replaced(self) -> list[str]:
        """Let go of replaced versions that nobody asked for lately; returns their names."""
        now = self._clock()
        with self._lock:
            over = [k for k, m in self._kept.items() if m.replaced and now - m.used_at > UNLOAD_AFTER_S]
            gone = [self._kept.pop(key).model.card.name for key in over]
        for name in gone:
            logger.info("%s was replaced and is unloaded", name)
        return gone

    def served(self) -> dict[str, str]:
        """Names and hashes of what is in memory."""
        with self._lock:
            return {kept.model.card.name: kept.model.card.sha256 for kept in self._kept.values()}

    def loading(self) -> list[str]:
        with self._lock:
            return sorted(key[0] for key in self._coming)

    def refused(self) -> dict[str, str]:
        """Names of what could not be loaded lately, and why."""
        now = self._clock()
        with self._lock:
            recent = {k: e for k, (e, at) in self._refused.items() if now - at < 4 * RETRY_AFTER_S}
        return {key[0]: f"{error.code}: {error}" for key, error in recent.items()}

    # --- inside

    def _find(self, key: Key, need: Need) -> tuple[LoadedModel | None, Future[LoadedModel] | None]:
        """The model, or who loads it; neither: the caller does, and has been noted for it."""
        with self._lock:
            if (model := self._use(key, need)) is not None:
                return model, None
            coming = self._coming.get(key)
            if coming is None:
                self._coming[key] = Future()
            return None, coming

    def _use(self, key: Key, need: Need) -> LoadedModel | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        kept.used_at = self._clock()
        kept.replaced = False
        if need is not Need.SHADOW:
            kept.served_at = kept.used_at
        return kept.model

    def _load(self, key: Key, ref: ModelRef, need: Need) -> Future[LoadedModel]:
        """Load what `_coming` was noted for; the future has the model or an EngineError."""
        model: LoadedModel | None = None
        try:
            with self._one_at_a_time:
                model = self._open(key, ref, need)
        except EngineError as error:
            refusal = error
        except Exception as error:  # edge of a thread: whoever waits for the model must hear of it
            logger.exception("%s could not be loaded", ref.name)
            refusal = EngineError("model_broken", f"loading it broke with {type(error).__name__}")
        with self._lock:
            future = self._coming.pop(key)
            if model is None:
                self._refused[key] = (refusal, self._clock())
            else:
                self._refused.pop(key, None)
                self._kept[key] = _Kept(model, self._clock())
                self._use(key, need)
        if model is None:
            future.set_exception(refusal)
        else:
            future.set_result(model)
        return future

    def _open(self, key: Key, ref: ModelRef, need: Need) -> LoadedModel:
        self._make_room(self._directory.size_bytes(ref), need)
        model = self._directory.load(ref, input_size=key[2])
        _warm_up(model)
        return model

    def _make_room(self, wanted_bytes: int, need: Need) -> None:
        with self._lock:
            while self._is_full(wanted_bytes) and (key := self._dispensable(need)) is not None:
                del self._kept[key]
            too_many = self._is_over(wanted_bytes)
        needed = wanted_bytes * MEMORY_PER_FILE_BYTE + RESERVE_BYTES
        free = psutil.virtual_memory().available
        if free < needed:
            raise EngineError(
                "memory_short",
                f"a model needs about {needed // 2**20} MiB and {free // 2**20} MiB are free; "
                "choose a smaller model or give this machine more memory",
                transient=True,
            )
        if too_many:
            raise EngineError(
                "memory_short",
                f"{len(self._kept)} models are in use and no more are kept at once; end a comparison first",
                transient=True,
            )

    def _is_full(self, wanted_bytes: int) -> bool:
        needed = wanted_bytes * MEMORY_PER_FILE_BYTE + RESERVE_BYTES
        return self._is_over(wanted_bytes) or psutil.virtual_memory().available < needed

    def _is_over(self, wanted_bytes: int) -> bool:
        total = wanted_bytes + sum(kept.model.size_bytes for kept in self._kept.values())
        return len(self._kept) >= self._max_models or (bool(self._kept) and total > MAX_FILE_BYTES)

    def _dispensable(self, need: Need) -> Key | None:
        """The model that was not used for the longest time, of those that may go for this need."""
        now = self._clock()
        free = [key for key, kept in self._kept.items() if now - kept.needed_at(need) > ACTIVE_S]
        return min(free, key=lambda key: self._kept[key].used_at, default=None)


def _warm_up(model: LoadedModel) -> None:
    """The first inference allocates and, on a GPU, compiles: better now than in a frame's deadline."""
    picture = np.full((360, 640, 3), 127, np.uint8)
    if model.detector is not None:
        model.detector.detect([picture])
    if model.classifier is not None:
        model.classifier.classify([picture])
