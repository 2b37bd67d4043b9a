"""The checks themselves, one function each: it returns what it found, or raises EngineError in words.

They run inside of the sandbox (`child`). An order of steps says what each needs; a step whose ground failed
is skipped and never counts as passed.
"""

import hashlib
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import onnx

from inference_workers.contracts.model_checks import CheckLine, CheckModel, CheckName, CheckOutcome
from inference_workers.contracts.model_files import ONNX, SAFETENSORS, START_BYTES, recognise
from inference_workers.engine.backends import BackendOptions
from inference_workers.engine.classifiers import TASK as CLASSIFICATION
from inference_workers.engine.classifiers import OnnxClassifier, sums_to_one
from inference_workers.engine.detectors.base import OnnxDetector
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Image
from inference_workers.engine.model_checks.operators import opset_checked, refuse_operators
from inference_workers.engine.model_checks.safetensors_file import TensorEntry, read_header, require_finite
from inference_workers.engine.model_directory import build_classifier, build_detector, check_graph
from inference_workers.engine.onnx_files import parse_unchecked, refuse_external
from inference_workers.engine.side_file import NAME, SideFile, parse_side_file

SECONDS_PER_PICTURE = 10.0
_NO_LICENCE = {"", "-", "?", "none", "n/a", "na", "unknown", "tbd", "todo", "no", "null", "unlicensed"}
_ROUNDS = 3


@dataclass
class Evidence:
    """What the steps found so far; a step may use what those that it needs have set."""

    job: CheckModel
    path: Path
    data: bytes = b""
    side: SideFile | None = None
    model: onnx.ModelProto | None = None
    detector: OnnxDetector | None = None
    classifier: OnnxClassifier | None = None
    tensors: list[TensorEntry] = field(default_factory=list)
    opset: int = 0
    parameters: int = 0
    median_ms: float = 0.0


Step = Callable[[Evidence], str]


@dataclass(frozen=True, slots=True)
class Planned:
    name: CheckName
    step: Step
    needs: tuple[CheckName, ...] = ()


def run(seen: Evidence, begin: Callable[[CheckName], None]) -> Iterator[CheckLine]:
    """Every check of this kind of file, in order; `begin` is told before each one starts."""
    passed: set[CheckName] = set()
    for planned in plan(seen.job.artifact):
        begin(planned.name)
        line = _made(planned, seen, passed)
        if line.outcome is CheckOutcome.PASSED:
            passed.add(planned.name)
        yield line


def _made(planned: Planned, seen: Evidence, passed: set[CheckName]) -> CheckLine:
    missing = [need for need in planned.needs if need not in passed]
    if missing:
        return CheckLine(planned.name, CheckOutcome.SKIPPED, f"not made, because this failed: {missing[0]}")
    started = time.perf_counter()
    try:
        detail, outcome = planned.step(seen), CheckOutcome.PASSED
    except EngineError as error:
        detail, outcome = str(error), CheckOutcome.FAILED
    except MemoryError:
        detail, outcome = "it needs more memory than a check may take", CheckOutcome.FAILED
    except Exception as error:  # noqa: BLE001 - a library broke over the file: that is an answer about the file
        detail, outcome = f"the check broke with {type(error).__name__}: {error!s:.200}", CheckOutcome.FAILED
    return CheckLine(planned.name, outcome, detail[:600], round((time.perf_counter() - started) * 1000, 1))


def plan(artifact: str) -> tuple[Planned, ...]:
    return _ONNX_PLAN if artifact == ONNX else _SAFETENSORS_PLAN


def _format(seen: Evidence) -> str:
    with seen.path.open("rb") as file:
        found = recognise(file.read(START_BYTES))
    if found.artifact not in (ONNX, SAFETENSORS):
        raise EngineError("model_format", f"expected ONNX or safetensors, the file is {found.looks_like}")
    if found.artifact != seen.job.artifact:
        raise EngineError("model_format", f"expected {seen.job.artifact}, the file is {found.artifact}")
    return f"{found.artifact}, by its bytes"


def _hash(seen: Evidence) -> str:
    seen.data = seen.path.read_bytes() if seen.job.artifact == ONNX else b""
    found = hashlib.sha256(seen.data).hexdigest() if seen.data else _hash_of(seen.path)
    if found != seen.job.sha256:
        raise EngineError("model_wrong_hash", f"expected sha256 {seen.job.sha256}, the file has {found}")
    return f"sha256 {found}"


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _side_file(seen: Evidence) -> str:
    name = seen.job.name
    if not NAME.fullmatch(name):
        raise EngineError(
            "model_name", f"{name!r:.80}: expected small letters, digits, dot, dash and underscore"
        )
    if not seen.job.side_file.strip():
        raise EngineError(
            "side_file", "its bytes are not known, so it needs a side file that says how to feed and read it"
        )
    side = parse_side_file(seen.job.side_file.encode(), f"{name}.json")
    if side.sha256 != seen.job.sha256:
        raise EngineError("side_file", f"it describes the file {side.sha256}, not this one")
    seen.side = side
    return f"{side.family}, {len(side.classes)} classes, {side.input_size[0]}x{side.input_size[1]}"


def _licence(seen: Evidence) -> str:
    text = (seen.side.licence if seen.side else seen.job.licence).strip()
    if text.lower() in _NO_LICENCE:
        raise EngineError("model_licence", f"expected the licence of the weights, got {text!r}")
    return text[:200]


def _family(seen: Evidence) -> str:
    side, family = seen.side, seen.job.family
    if side is None or family is None:
        return "a family of its own: none was chosen"
    for what, expected, got in (
        ("task", family.task, side.task),
        ("post-processing", family.postprocess, side.family),
        ("number of classes", len(family.classes), len(side.classes)),
    ):
        if expected != got:
            raise EngineError("model_family", f"{what}: expected {expected}, got {got}")
    for place, (expected, got) in enumerate(zip(family.classes, side.classes, strict=True)):
        if expected != got:
            raise EngineError("model_family", f"class {place}: expected {expected!r:.60}, got {got!r:.60}")
    if not all(family.min_side <= part <= family.max_side for part in side.input_size):
        raise EngineError(
            "model_family",
            f"input: expected sides of {family.min_side} to {family.max_side}, got {side.input_size}",
        )
    return "task, post-processing, classes and input as the family promises"


def _structure(seen: Evidence) -> str:
    model = parse_unchecked(seen.data, seen.job.name)
    tensors = [*model.graph.initializer, *(sparse.values for sparse in model.graph.sparse_initializer)]
    seen.model, seen.parameters = model, sum(_count(tensor) for tensor in tensors)
    return f"{len(model.graph.node)} nodes, {seen.parameters} numbers"


def _count(tensor: onnx.TensorProto) -> int:
    return int(np.prod([max(0, size) for size in tensor.dims], dtype=np.float64)) if tensor.dims else 1


def _external(seen: Evidence) -> str:
    refuse_external(_model(seen), seen.job.name)
    return "every tensor lies in the file"


def _graph(seen: Evidence) -> str:
    try:
        onnx.checker.check_model(seen.data)
    except onnx.checker.ValidationError as error:
        raise EngineError("model_not_onnx", f"the graph is not valid: {error!s:.300}") from error
    return "every node has the inputs, outputs and attributes that the standard asks for"


def _opset(seen: Evidence) -> str:
    seen.opset = opset_checked(_model(seen), seen.job.name)
    return f"opset {seen.opset}"


def _operators(seen: Evidence) -> str:
    used = refuse_operators(_model(seen), seen.job.name)
    return f"{len(used)} kinds: {', '.join(sorted(used))}"


def _input(seen: Evidence) -> str:
    side = _side(seen)
    check_graph(seen.job.name, _model(seen), side)
    return f"float32 (N, 3, {side.input_size[1]}, {side.input_size[0]}), resize {side.preprocess.resize}"


def _load(seen: Evidence) -> str:
    side = _side(seen)
    if side.task == CLASSIFICATION:
        seen.classifier = build_classifier(seen.data, seen.job.name, side, BackendOptions())
    else:
        seen.detector = build_detector(seen.data, seen.job.name, side, BackendOptions())
    return "onnxruntime opens it on the CPU"


def _inference(seen: Evidence) -> str:
    """Pictures of every kind; NaN, infinity and shapes that the family cannot read are refused there."""
    answer, times = _answer(seen), []
    for picture in pictures(_side(seen).input_size):
        started = time.perf_counter()
        answer([picture])
        times.append((time.perf_counter() - started) * 1000)
    answer(pictures(_side(seen).input_size)[:2])
    seen.median_ms = round(median(times[1:]), 2)
    return f"{len(times)} pictures, all answers finite, {seen.median_ms} ms each on this processor"


def _outputs(seen: Evidence) -> str:
    """Every candidate, not only the good ones: a column too many shows, whatever the picture holds."""
    if seen.classifier is not None:
        return _numbers_of_classes(_side(seen), seen.classifier)
    side, highest = _side(seen), -1
    for picture in pictures(side.input_size):
        found = _detector(seen).candidates(picture)
        if not np.isfinite(found.boxes_xyxy).all() or not np.isfinite(found.scores).all():
            raise EngineError("output_not_finite", "a box or a score is NaN or infinite")
        highest = max(highest, int(found.class_ids.max(initial=-1)))
    if highest >= len(side.classes):
        raise EngineError(
            "output_classes",
            f"expected class ids below {len(side.classes)}, the graph answered {highest}; "
            "the side file lists too few classes",
        )
    return f"boxes, scores and class ids below {len(side.classes)}"


def _numbers_of_classes(side: SideFile, classifier: OnnxClassifier) -> str:
    """Probabilities that are called logits would go through a second softmax: every score near to equal."""
    answers = [classifier.numbers([picture]) for picture in pictures(side.input_size)]
    if side.family == "classifier-logits" and all(sums_to_one(numbers) for numbers in answers):
        raise EngineError(
            "output_probabilities",
            "expected logits, every answer of the graph sums to 1: state the family classifier-probabilities",
        )
    return f"a number for each of {len(side.classes)} classes, meant as {side.family.partition('-')[2]}"


def _resources(seen: Evidence) -> str:
    if seen.median_ms > SECONDS_PER_PICTURE * 1000:
        raise EngineError(
            "model_too_slow", f"expected at most {SECONDS_PER_PICTURE} s per picture, got {seen.median_ms} ms"
        )
    return f"{memory_bytes() // 2**20} MiB at most, {seen.median_ms} ms per picture on one thread"


def memory_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _header(seen: Evidence) -> str:
    seen.tensors = read_header(seen.path)
    seen.parameters = sum(tensor.count for tensor in seen.tensors)
    return f"{len(seen.tensors)} tensors, {seen.parameters} numbers"


def _numbers(seen: Evidence) -> str:
    return f"{require_finite(seen.path, seen.tensors)} numbers, all finite"


def pictures(input_size: tuple[int, int]) -> list[Image]:
    """Grey, black, white, noise and a gradient, in the input's size and in a camera's (width, height)."""
    width, height = input_size
    noise = np.random.default_rng(7).integers(0, 256, (360, 640, 3), np.uint8)
    gradient = np.broadcast_to(np.linspace(0, 255, 640, dtype=np.uint8)[None, :, None], (360, 640, 3))
    flat = [np.full((height, width, 3), value, np.uint8) for value in (127, 0, 255)]
    return [*flat, noise, np.ascontiguousarray(gradient)]


def _model(seen: Evidence) -> onnx.ModelProto:
    assert seen.model is not None  # noqa: S101 - the plan makes `structure` first
    return seen.model


def _side(seen: Evidence) -> SideFile:
    assert seen.side is not None  # noqa: S101 - the plan makes `side_file` first
    return seen.side


def _answer(seen: Evidence) -> Callable[[list[Image]], object]:
    return seen.classifier.classify if seen.classifier is not None else _detector(seen).detect


def _detector(seen: Evidence) -> OnnxDetector:
    assert seen.detector is not None  # noqa: S101 - the plan makes `load` first
    return seen.detector


C = CheckName
_SAFE_TO_LOAD = (C.STRUCTURE, C.EXTERNAL, C.OPSET, C.OPERATORS, C.GRAPH, C.INPUT)
_ONNX_PLAN = (
    Planned(C.FORMAT, _format),
    Planned(C.HASH, _hash),
    Planned(C.SIDE_FILE, _side_file),
    Planned(C.LICENCE, _licence, (C.SIDE_FILE,)),
    Planned(C.FAMILY, _family, (C.SIDE_FILE,)),
    Planned(C.STRUCTURE, _structure, (C.FORMAT, C.HASH)),
    Planned(C.EXTERNAL, _external, (C.STRUCTURE,)),
    Planned(C.OPSET, _opset, (C.STRUCTURE,)),
    Planned(C.OPERATORS, _operators, (C.STRUCTURE,)),
    Planned(C.GRAPH, _graph, (C.EXTERNAL, C.OPERATORS)),
    Planned(C.INPUT, _input, (C.STRUCTURE, C.SIDE_FILE)),
    Planned(C.LOAD, _load, _SAFE_TO_LOAD),
    Planned(C.INFERENCE, _inference, (C.LOAD,)),
    Planned(C.OUTPUTS, _outputs, (C.INFERENCE,)),
    Planned(C.RESOURCES, _resources, (C.INFERENCE,)),
)
_SAFETENSORS_PLAN = (
    Planned(C.FORMAT, _format),
    Planned(C.HASH, _hash),
    Planned(C.LICENCE, _licence),
    Planned(C.HEADER, _header, (C.FORMAT, C.HASH)),
    Planned(C.NUMBERS, _numbers, (C.HEADER,)),
)
