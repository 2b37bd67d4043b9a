"""The models that this machine has: built into installed packages, or files in the model directory.

A model in the directory is `NAME.onnx` with its side file `NAME.json`. Nothing is used before its bytes, its
graph and its side file were checked; what is wrong is said in the card's `problem`.
"""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx

from inference_workers.contracts.codec import encode
from inference_workers.contracts.lease import ModelRef
from inference_workers.contracts.model_checks import SignedStatement
from inference_workers.contracts.models import ModelCard
from inference_workers.engine.backends import SIZE_INPUT, BackendOptions
from inference_workers.engine.builtin_models import BUILTINS
from inference_workers.engine.classifiers import TASK as CLASSIFICATION
from inference_workers.engine.classifiers import Classifier, OnnxClassifier
from inference_workers.engine.detectors.base import Detector, OnnxDetector, Thresholds
from inference_workers.engine.detectors.families import FAMILIES
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Image
from inference_workers.engine.model_checks.operators import refuse_operators
from inference_workers.engine.ocr.reader import TextReader
from inference_workers.engine.onnx_files import parse_checked, read_checked, read_limited
from inference_workers.engine.openvino_backend import open_detector_backend
from inference_workers.engine.preprocess import Resize
from inference_workers.engine.side_file import NAME, SideFile, read_side_file, require_multiple_of_stride
from inference_workers.engine.statements import (
    require_signed,
    require_statement,
    statement_path,
    trusted_keys,
)
from inference_workers.settings import WorkerSettings


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready; exactly one of `detector`, `reader` and `classifier` is set."""

    card: ModelCard
    size_bytes: int
    detector: Detector | None = None
    reader: TextReader | None = None
    classifier: Classifier | None = None

    @property
    def in_thread(self) -> bool:
        """Are pictures computed one by one in the calling thread? See `Detector`."""
        return self.detector is not None and self.detector.in_thread


@dataclass(frozen=True, slots=True)
class Signed:
    """A side file word by word as it was signed, and what was signed."""

    side_text: str
    statement: SignedStatement


def build_detector(data: bytes, name: str, side: SideFile, options: BackendOptions) -> OnnxDetector:
    """A detector from ONNX bytes whose hash was compared. Raises EngineError."""
    family = FAMILIES[side.family]
    if family.decoder is None:
        raise EngineError("model_task", f"{name}: expected a detector, its family is {side.family}")
    return OnnxDetector(
        open_detector_backend(data, name, options),
        family.decoder,
        preprocess=side.preprocess,
        input_size=side.input_size,
        thresholds=Thresholds(side.thresholds["score"], side.thresholds.get("nms")),
        classes=side.classes,
    )


def build_classifier(data: bytes, name: str, side: SideFile, options: BackendOptions) -> OnnxClassifier:
    """The same for a classifier."""
    return OnnxClassifier(
        open_detector_backend(data, name, options),
        side.family,
        preprocess=side.preprocess,
        input_size=side.input_size,
        threshold=side.thresholds["score"],
        classes=side.classes,
    )


class ModelDirectory:
    """Lists, installs and loads models. One per process; `cards` and `load` may run in different threads."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._folder = settings.model_dir
        self._options = BackendOptions(
            settings.providers, settings.inference_threads, settings.data_dir / "engines"
        )
        self._seen: dict[tuple[object, ...], ModelCard] = {}
        self._keys = trusted_keys(settings.model_keys)

    def cards(self) -> list[ModelCard]:
        """Every model, the built-in ones first; a file is hashed again only when it changed."""
        builtin = [model.card(self._settings) for model in BUILTINS.values()]
        files = sorted(self._folder.glob("*.onnx")) if self._folder.is_dir() else []
        seen = {_fingerprint(path): path for path in files}
        self._seen = {key: self._seen.get(key) or self._inspect(path) for key, path in seen.items()}
        return [*builtin, *self._seen.values()]

    def cards_named(self, names: Sequence[str]) -> list[ModelCard]:
        """Those of these models that are here and can be used; no other file is read."""
        builtin = [BUILTINS[name].card(self._settings) for name in names if name in BUILTINS]
        paths = (self._folder / f"{name}.onnx" for name in names if name not in BUILTINS)
        found = [*builtin, *(self._inspect(path) for path in paths if path.is_file())]
        return [card for card in found if not card.problem]

    def contents(self) -> frozenset[tuple[object, ...]]:
        """Changes when a file comes, goes or changes; nothing is read."""
        files = self._folder.glob("*.onnx") if self._folder.is_dir() else ()
        return frozenset(_fingerprint(path) for path in files)

    def _inspect(self, path: Path) -> ModelCard:
        try:
            data = read_limited(path)
        except EngineError as error:
            return _broken_card(path.stem, "", str(error))
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            side = check_model(path.stem, data, path.with_suffix(".json"))
            self._require_statement(path, sha256)
        except EngineError as error:
            return _broken_card(path.stem, sha256, str(error))
        return card_of(path.stem, side, len(data))

    def load(
        self, ref: ModelRef, *, input_size: tuple[int, int] | None = None, score: float | None = None
    ) -> LoadedModel:
        """Load the version that `ref` names; the bytes are hashed at every load.

        Args:
            input_size: another (width, height) for graphs with free sizes, for pictures whose small faces
                matter more than the time.
            score: another lowest score, for measurements over all scores; built-in models keep theirs.

        Raises:
            EngineError: `model_missing`, `model_wrong_hash`, `side_file` and those of the engine.
        """
        builtin = BUILTINS.get(ref.name)
        if builtin is not None:
            return self._load_builtin(ref, input_size)
        path = self._path(ref.name)
        side = read_side_file(path.with_suffix(".json"))
        data = read_checked(path, ref.sha256)
        if side.sha256 != ref.sha256:
            raise EngineError("model_wrong_hash", f"{ref.name}: its side file describes another version")
        self._require_statement(path, ref.sha256)
        check_graph(ref.name, parse_allowed(data, ref.name), side)
        if input_size is not None and side.preprocess.resize is Resize.FIT:
            side = replace(side, input_size=input_size)
        if score is not None:
            side = replace(side, thresholds={**side.thresholds, "score": score})
        card, size = card_of(ref.name, side, len(data)), len(data)
        if side.task == CLASSIFICATION:
            return LoadedModel(card, size, classifier=build_classifier(data, ref.name, side, self._options))
        return LoadedModel(card, size, detector=build_detector(data, ref.name, side, self._options))

    def size_bytes(self, ref: ModelRef) -> int:
        """How large the model is, before a byte of it is read; 0 for one that is not there."""
        if ref.name in BUILTINS:
            return BUILTINS[ref.name].size_bytes
        try:
            return self._path(ref.name).stat().st_size
        except OSError:
            return 0

    def _load_builtin(self, ref: ModelRef, input_size: tuple[int, int] | None) -> LoadedModel:
        model = BUILTINS[ref.name]
        card = model.card(self._settings)
        if card.problem:
            raise EngineError("model_missing", card.problem)
        if card.sha256 != ref.sha256:
            raise EngineError(
                "model_wrong_hash",
                f"{ref.name}: expected sha256 {ref.sha256}, the installed package has {card.sha256}; "
                "assign the version that this worker announces",
            )
        opened = model.open(self._settings, self._options, input_size)
        if isinstance(opened, TextReader):
            return LoadedModel(card, model.size_bytes, reader=opened)
        return LoadedModel(card, model.size_bytes, detector=opened)

    def _path(self, name: str) -> Path:
        """A name is never a path (PITFALLS 15)."""
        if not NAME.fullmatch(name):
            raise EngineError("model_missing", f"expected the name of a model, got {name!r:.80}")
        return self._folder / f"{name}.onnx"

    def _require_statement(self, path: Path, sha256: str) -> None:
        try:
            side_text = path.with_suffix(".json").read_text()
        except (OSError, ValueError) as error:
            raise EngineError("side_file", f"{path.stem}: its side file is not readable") from error
        always = self._settings.signed_models_only
        require_statement(path, sha256, side_text, self._keys, always=always)

    def install(self, path: Path, side: SideFile, name: str, signed: Signed | None = None) -> ModelCard:
        """Copy a model and write its side file, after everything was checked and it analysed one picture.

        Args:
            signed: the side file as it was signed, and the statement; else `side` is written anew.

        Raises:
            EngineError: `model_exists` when the name holds other bytes, and all those of `load`.
        """
        data = read_checked(path, side.sha256)
        target = self._path(name)
        if name in BUILTINS or (target.exists() and read_limited(target) != data):
            raise EngineError("model_exists", f"{name}: another model has this name; choose a new one")
        side_text = signed.side_text if signed else side.to_json()
        if signed:
            require_signed(signed.statement, name, side.sha256, side_text, self._keys)
        check_graph(name, parse_allowed(data, name), side)
        if side.task == CLASSIFICATION:
            build_classifier(data, name, side, self._options).classify([_grey_picture(side)])
        else:
            build_detector(data, name, side, self._options).detect([_grey_picture(side)])
        self._folder.mkdir(parents=True, exist_ok=True)
        _write_atomically(target.with_suffix(".json"), side_text.encode())
        if signed:
            self.write_statement(name, signed.statement)
        _write_atomically(target, data)
        return card_of(name, side, len(data))

    def write_statement(self, name: str, statement: SignedStatement) -> None:
        _write_atomically(statement_path(self._path(name)), encode(statement).encode())


def check_model(name: str, data: bytes, side_path: Path) -> SideFile:
    """Everything that can be known without running the graph. Raises EngineError with one sentence."""
    if not NAME.fullmatch(name):
        raise EngineError(
            "model_name", f"{name!r:.80}: expected small letters, digits, dot, dash and underscore"
        )
    if not side_path.exists():
        raise EngineError(
            "side_file", f"{side_path.name} is missing: `manage.py models add` writes it for known files"
        )
    side = read_side_file(side_path)
    found = hashlib.sha256(data).hexdigest()
    if side.sha256 != found:
        raise EngineError(
            "model_wrong_hash", f"{side_path.name} expects sha256 {side.sha256}, the file has {found}"
        )
    check_graph(name, parse_allowed(data, name), side)
    return side


def parse_allowed(data: bytes, name: str) -> onnx.ModelProto:
    """Parse, and refuse tensors in other files and operators that no model for pictures needs."""
    model = parse_checked(data, name)
    refuse_operators(model, name)
    return model


def check_graph(name: str, model: onnx.ModelProto, side: SideFile) -> None:
    """Compare the graph's declared input with the side file."""
    require_multiple_of_stride(side, name)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    names = [value.name for value in inputs]
    if len(inputs) != 1 and names[1:] != [SIZE_INPUT]:
        raise EngineError("model_input", f"{name}: expected one picture as input, the graph has {names}")
    tensor = inputs[0].type.tensor_type
    shape = [axis.dim_value for axis in tensor.shape.dim]
    expected = [0, 3, *reversed(side.input_size)]
    if side.preprocess.resize is Resize.FIT:
        fits = len(shape) == 4 and shape[2:] == [0, 0]
    else:
        fits = len(shape) == 4 and all(a in (0, b) for a, b in zip(shape[2:], expected[2:], strict=True))
    if not fits or shape[1] not in (0, 3) or tensor.elem_type != onnx.TensorProto.FLOAT:
        kind = onnx.TensorProto.DataType.Name(tensor.elem_type)
        raise EngineError(
            "model_input",
            f"{name}: expected an input of float32 (N, 3, {expected[2]}, {expected[3]}) for resize "
            f"{side.preprocess.resize}, the graph declares {kind} {shape} (0: free)",
        )


def card_of(name: str, side: SideFile, size_bytes: int) -> ModelCard:
    return ModelCard(
        name=name,
        family=side.family,
        task=side.task,
        sha256=side.sha256,
        licence=side.licence,
        source=side.source,
        classes=side.classes,
        input_size=side.input_size,
        thresholds=side.thresholds,
        note=side.note,
        size_bytes=size_bytes,
        kind=side.kind,
        parent_sha256=side.parent_sha256,
        training_data=side.training_data,
        metrics=side.metrics,
        preprocess=side.preprocessing_words(),
        preprocessing_sha256=side.preprocessing_sha256(),
    )


def _broken_card(name: str, sha256: str, problem: str) -> ModelCard:
    return ModelCard(name[:80], "", "", sha256, "", "", (), (0, 0), problem=problem)


def _fingerprint(path: Path) -> tuple[object, ...]:
    """Changes when the model, its side file or its statement does."""
    return (path, *_stat(path), *_stat(path.with_suffix(".json")), *_stat(statement_path(path)))


def _stat(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _grey_picture(side: SideFile) -> Image:
    width, height = side.input_size
    return np.full((height, width, 3), 127, np.uint8)


def _write_atomically(path: Path, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-", suffix=path.suffix + ".part")
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(name).chmod(0o644)
    Path(name).replace(path)
