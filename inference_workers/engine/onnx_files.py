"""Reading ONNX files that may be hostile: hash first, then every tensor, then the graph."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError

from inference_workers.engine.errors import EngineError

MAX_MODEL_BYTES = 1024 * 1024 * 1024


def read_checked(path: Path, sha256: str, max_bytes: int = MAX_MODEL_BYTES) -> bytes:
    """Read a model file whose bytes must hash to `sha256`; what was hashed is what is returned.

    Raises:
        EngineError: `model_missing`, `model_too_large`, `model_wrong_hash`.
    """
    data = read_limited(path, max_bytes)
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise EngineError(
            "model_wrong_hash",
            f"{path.name}: expected sha256 {sha256}, the file has {found}; "
            "install the file again, or register it as a new version",
        )
    return data


def read_limited(path: Path, max_bytes: int = MAX_MODEL_BYTES) -> bytes:
    """Read at most `max_bytes`; a file that grows while it is read is refused as well."""
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise EngineError(
            "model_missing", f"{path.name}: expected a readable model file, got {error.strerror}"
        ) from error
    if len(data) > max_bytes:
        raise EngineError(
            "model_too_large", f"{path.name}: expected at most {max_bytes} bytes, the file has more"
        )
    return data


def parse_checked(data: bytes, name: str) -> onnx.ModelProto:
    """Parse ONNX bytes and refuse every tensor that names a file outside of them (PITFALLS 13).

    Raises:
        EngineError: `model_not_onnx`, `model_external_tensor`.
    """
    model = parse_unchecked(data, name)
    refuse_external(model, name)
    return model


def parse_unchecked(data: bytes, name: str) -> onnx.ModelProto:
    """Parse alone: whoever hands the model on has to call `refuse_external`. Raises `model_not_onnx`."""
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise EngineError("model_not_onnx", f"{name}: expected an ONNX file, got other bytes") from error
    if not model.graph.node:
        raise EngineError("model_not_onnx", f"{name}: expected a graph with nodes, got an empty one")
    _refuse_unknown_fields(model, name)
    return model


def _refuse_unknown_fields(model: onnx.ModelProto, name: str) -> None:
    """What this side cannot see, onnxruntime might: a newer kind of tensor that names a file, for example."""
    size = model.ByteSize()
    model.DiscardUnknownFields()
    if model.ByteSize() != size:
        raise EngineError(
            "model_not_onnx",
            f"{name}: expected only fields of ONNX that this release knows, the file has others; "
            "export it for an older version of the format",
        )


def refuse_external(model: onnx.ModelProto, name: str) -> None:
    for tensor in _tensors(model):
        if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise EngineError(
                "model_external_tensor",
                f"{name}: tensor {tensor.name!r:.80} lies in another file; expected one "
                "self-contained ONNX file, save the model with all its data inside",
            )


def _tensors(message: Any) -> Iterator[onnx.TensorProto]:
    """Every TensorProto below `message`, wherever it hangs: graphs, subgraphs, functions, sparse."""
    waiting = [message]
    while waiting:
        current = waiting.pop()
        if isinstance(current, onnx.TensorProto):
            yield current
            continue
        for descriptor, value in current.ListFields():
            if descriptor.message_type is None:
                continue
            waiting.extend(value if _is_repeated(value) else [value])


def _is_repeated(value: Any) -> bool:
    return not hasattr(value, "ListFields")


def clean_graph(model: onnx.ModelProto, *, dynamic_sizes: bool = False) -> bytes:
    """Serialise `model` so that onnxruntime can fold its constants.

    Old exporters list the weights as graph inputs too, which forbids folding batch normalisation (half the
    speed of CenterFace), and keep weights that no node uses. `dynamic_sizes` frees batch, height and width
    of the declared inputs and outputs. The answers stay the same to 1e-4.
    """
    used = _used_names(model)
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    _replace(model.graph.initializer, kept)
    _replace(model.graph.input, inputs)
    if dynamic_sizes:
        del model.graph.value_info[:]
        for value in [*model.graph.input, *model.graph.output]:
            _free_sizes(value)
    return bytes(model.SerializeToString())


def _used_names(model: onnx.ModelProto) -> set[str]:
    """Names that any node reads; subgraphs may read the outer graph's weights, so they count too."""
    names = {value.name for value in model.graph.output}
    waiting: list[Any] = list(model.graph.node)
    while waiting:
        node = waiting.pop()
        names.update(node.input)
        for attribute in node.attribute:
            for graph in [attribute.g, *attribute.graphs]:
                names.update(value.name for value in graph.output)
                waiting.extend(graph.node)
    return names


def _replace(field: Any, items: list[Any]) -> None:
    copies = [type(item).FromString(item.SerializeToString()) for item in items]
    del field[:]
    field.extend(copies)


def _free_sizes(value: onnx.ValueInfoProto) -> None:
    """Name the axes batch, height and width; the channel axis keeps its size."""
    shape = value.type.tensor_type.shape
    for axis, label in ((0, "batch"), (2, f"{value.name}_height"), (3, f"{value.name}_width")):
        if axis < len(shape.dim):
            shape.dim[axis].dim_param = label
