"""The few models that stay in memory."""

import threading
from collections import OrderedDict

import numpy as np
import psutil

from inference_workers.contracts.lease import ModelRef
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_directory import LoadedModel, ModelDirectory

MAX_MODELS = 8
MAX_FILE_BYTES = 1024 * 1024 * 1024
# What must stay free for frames and the other processes after a model was loaded.
RESERVE_BYTES = 256 * 1024 * 1024
# A session takes about three times its file: weights, their prepacked copy, activations.
MEMORY_PER_FILE_BYTE = 3

Key = tuple[str, str, tuple[int, int] | None]


class LoadedModels:
    """Least recently used models go first. Safe in several threads; a model is loaded once."""

    def __init__(self, directory: ModelDirectory, max_models: int = MAX_MODELS) -> None:
        self._directory = directory
        self._max_models = max_models
        self._models: OrderedDict[Key, LoadedModel] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, ref: ModelRef, *, input_size: tuple[int, int] | None = None) -> LoadedModel:
        """Raises EngineError: those of `ModelDirectory.load`, and `memory_short`."""
        key = (ref.name, ref.sha256, input_size)
        with self._lock:
            if key not in self._models:
                self._make_room(0)
                model = self._directory.load(ref, input_size=input_size)
                self._make_room(model.size_bytes)
                _warm_up(model)
                self._models[key] = model
            self._models.move_to_end(key)
            return self._models[key]

    def served(self) -> dict[str, str]:
        """Names and hashes of what is in memory."""
        with self._lock:
            return {model.card.name: model.card.sha256 for model in self._models.values()}

    def _make_room(self, wanted_bytes: int) -> None:
        while self._models and self._is_full(wanted_bytes):
            self._models.popitem(last=False)
        needed = wanted_bytes * MEMORY_PER_FILE_BYTE + RESERVE_BYTES
        free = psutil.virtual_memory().available
        if free < needed:
            raise EngineError(
                "memory_short",
                f"a model needs about {needed // 2**20} MiB and {free // 2**20} MiB are free; "
                "choose a smaller model or give this machine more memory",
                transient=True,
            )

    def _is_full(self, wanted_bytes: int) -> bool:
        total = wanted_bytes + sum(model.size_bytes for model in self._models.values())
        needed = wanted_bytes * MEMORY_PER_FILE_BYTE + RESERVE_BYTES
        return (
            len(self._models) >= self._max_models
            or total > MAX_FILE_BYTES
            or psutil.virtual_memory().available < needed
        )


def _warm_up(model: LoadedModel) -> None:
    """The first inference allocates and, on a GPU, compiles: better now than in a frame's deadline."""
    picture = np.full((360, 640, 3), 127, np.uint8)
    if model.detector is not None:
        model.detector.detect([picture])
