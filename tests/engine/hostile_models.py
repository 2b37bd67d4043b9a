"""Files that somebody might upload in place of a model, each made in a few lines."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.engine.onnx_graphs import constant_graph, detr_outputs, sealed


def external_tensor(location: str) -> TensorProto:
    """A tensor whose bytes lie in another file."""
    tensor = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def good() -> bytes:
    return constant_graph(detr_outputs((0.5, 0.5, 0.2, 0.4, 0, 0.9)))


def _model() -> onnx.ModelProto:
    return onnx.load_model_from_string(good())


def _done(model: onnx.ModelProto) -> bytes:
    return bytes(model.SerializeToString())


def _in_initializer(tensor: TensorProto) -> bytes:
    model = _model()
    model.graph.initializer.append(tensor)
    return _done(model)


def _in_attribute(tensor: TensorProto) -> bytes:
    model = _model()
    model.graph.node.insert(0, helper.make_node("Constant", [], ["c"], value=tensor))
    return _done(model)


def _in_attribute_list(tensor: TensorProto) -> bytes:
    model = _model()
    attribute = onnx.AttributeProto(name="many", type=onnx.AttributeProto.TENSORS, tensors=[tensor])
    model.graph.node[0].attribute.append(attribute)
    return _done(model)


def _sparse(tensor: TensorProto) -> onnx.SparseTensorProto:
    indices = numpy_helper.from_array(np.arange(4, dtype=np.int64), "indices")
    return onnx.SparseTensorProto(values=tensor, indices=indices, dims=[8])


def _in_sparse_initializer(tensor: TensorProto) -> bytes:
    model = _model()
    model.graph.sparse_initializer.append(_sparse(tensor))
    return _done(model)


def _in_sparse_indices(tensor: TensorProto) -> bytes:
    values = numpy_helper.from_array(np.zeros(4, np.float32), "values")
    tensor.data_type = TensorProto.INT64
    model = _model()
    model.graph.sparse_initializer.append(onnx.SparseTensorProto(values=values, indices=tensor, dims=[8]))
    return _done(model)


def _in_sparse_attribute(tensor: TensorProto) -> bytes:
    model = _model()
    node = helper.make_node("Constant", [], ["c"])
    attribute = onnx.AttributeProto(name="sparse_value", type=onnx.AttributeProto.SPARSE_TENSOR)
    attribute.sparse_tensor.CopyFrom(_sparse(tensor))
    node.attribute.append(attribute)
    model.graph.node.insert(0, node)
    return _done(model)


def _branch(tensor: TensorProto) -> onnx.GraphProto:
    node = helper.make_node("Identity", ["weights"], ["branch"])
    output = helper.make_tensor_value_info("branch", TensorProto.FLOAT, [4])
    return helper.make_graph([node], "branch", [], [output], initializer=[tensor])


def _in_subgraph(tensor: TensorProto) -> bytes:
    model = _model()
    model.graph.node.append(
        helper.make_node("If", ["c"], ["d"], then_branch=_branch(tensor), else_branch=_branch(tensor))
    )
    return _done(model)


def _in_subgraph_list(tensor: TensorProto) -> bytes:
    model = _model()
    attribute = onnx.AttributeProto(name="g", type=onnx.AttributeProto.GRAPHS, graphs=[_branch(tensor)])
    model.graph.node[0].attribute.append(attribute)
    return _done(model)


def _in_function(tensor: TensorProto) -> bytes:
    model = _model()
    node = helper.make_node("Constant", [], ["y"], value=tensor)
    model.functions.append(helper.make_function("own", "F", [], ["y"], [node], [helper.make_opsetid("", 17)]))
    return _done(model)


def _in_function_default(tensor: TensorProto) -> bytes:
    model = _model()
    node = helper.make_node("Constant", [], ["y"], value_float=1.0)
    function = helper.make_function("own", "F", [], ["y"], [node], [helper.make_opsetid("", 17)])
    function.attribute_proto.append(helper.make_attribute("preset", tensor))
    model.functions.append(function)
    return _done(model)


def _in_training(tensor: TensorProto) -> bytes:
    model = _model()
    training = model.training_info.add()
    training.initialization.CopyFrom(_branch(tensor))
    return _done(model)


def _by_data_alone(tensor: TensorProto) -> bytes:
    """The names of the file without the mark EXTERNAL: one reader believes one, another the other."""
    tensor.data_location = TensorProto.DEFAULT
    return _in_initializer(tensor)


EXTERNAL: dict[str, Callable[[TensorProto], bytes]] = {
    name.removeprefix("_"): make
    for name, make in list(globals().items())
    if name.startswith("_in_") or name == "_by_data_alone"
}


def unknown_field() -> bytes:
    """A field that this release does not know, behind the known ones (number 500, a text)."""
    return good() + b"\xa2\x1f\x05/etc/"


class _Executed:
    """Unpickling it writes the canary."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> object:
        return (Path.write_text, (self._canary, "executed"))


def pickled(canary: Path) -> bytes:
    return pickle.dumps(_Executed(canary))


def zipped(canary: Path) -> bytes:
    """As PyTorch saves: a zip archive with a pickle in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("model/data.pkl", pickled(canary))
    return out.getvalue()


def onnx_with_pickle_behind(canary: Path) -> bytes:
    return good() + pickled(canary)


def not_a_number() -> bytes:
    outputs = detr_outputs((0.5, 0.5, 0.2, 0.4, 0, 0.9))
    outputs["pred_boxes"][0, 0, 0] = np.nan
    return constant_graph(outputs)


def nan_for_white_only() -> bytes:
    """Finite for most pictures: log of (1.5 - mean) is NaN when the picture is white."""
    value = helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, 64, 64))
    outputs = detr_outputs((0.5, 0.5, 0.2, 0.4, 0, 0.9))
    limit = numpy_helper.from_array(np.float32(200.0).reshape(1, 1, 1, 1), "limit")
    zero = numpy_helper.from_array(np.float32(0.0).reshape(1, 1, 1, 1), "zero")
    shape = numpy_helper.from_array(np.array([1, 1, 1], np.int64), "shape")
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=1),
        helper.make_node("Sub", ["limit", "mean"], ["rest"]),
        helper.make_node("Log", ["rest"], ["log"]),
        helper.make_node("Mul", ["log", "zero"], ["nothing"]),
        helper.make_node("Reshape", ["nothing", "shape"], ["added"]),
        helper.make_node("Constant", [], ["logits"], value=numpy_helper.from_array(outputs["logits"], "l")),
        helper.make_node(
            "Constant", [], ["boxes"], value=numpy_helper.from_array(outputs["pred_boxes"], "b")
        ),
        helper.make_node("Add", ["boxes", "added"], ["pred_boxes"]),
    ]
    declared = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, outputs[name].shape)
        for name in ("logits", "pred_boxes")
    ]
    graph = helper.make_graph(nodes, "g", [value], declared, initializer=[limit, zero, shape])
    return sealed(graph)


def loop_without_end() -> bytes:
    """A loop whose condition stays true, without a number of rounds."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("go_on", TensorProto.BOOL, [])],
    )
    model = _model()
    model.graph.node.append(helper.make_node("Loop", ["", ""], [], body=body))
    return _done(model)


def work_without_end(rounds: int = 400, side: int = 2048) -> bytes:
    """Allowed operators alone, but hours of multiplication; the data takes part, so nothing can be folded."""
    value = helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, 64, 64))
    outputs = detr_outputs((0.5, 0.5, 0.2, 0.4, 0, 0.9))
    shape = numpy_helper.from_array(np.array([side, side], np.int64), "side")
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Expand", ["mean", "side"], ["m0"]),
    ]
    nodes += [helper.make_node("MatMul", [f"m{i}", f"m{i}"], [f"m{i + 1}"]) for i in range(rounds)]
    nodes += [
        helper.make_node("ReduceMean", [f"m{rounds}"], ["last"], keepdims=0),
        helper.make_node("Clip", ["last", "zero", "zero"], ["nothing"]),
        helper.make_node("Constant", [], ["logits"], value=numpy_helper.from_array(outputs["logits"], "l")),
        helper.make_node(
            "Constant", [], ["boxes"], value=numpy_helper.from_array(outputs["pred_boxes"], "b")
        ),
        helper.make_node("Add", ["boxes", "nothing"], ["pred_boxes"]),
    ]
    zero = numpy_helper.from_array(np.array(0.0, np.float32), "zero")
    declared = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, outputs[name].shape)
        for name in ("logits", "pred_boxes")
    ]
    return sealed(helper.make_graph(nodes, "g", [value], declared, initializer=[shape, zero]))


def memory_bomb() -> bytes:
    """A few bytes that ask for a tensor of 4 TB."""
    value = helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, 64, 64))
    shape = numpy_helper.from_array(np.array([10**6, 10**6], np.int64), "shape")
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Expand", ["mean", "shape"], ["huge"]),
        helper.make_node("ReduceMax", ["huge"], ["logits"], keepdims=0),
        helper.make_node("Identity", ["logits"], ["pred_boxes"]),
    ]
    declared = [helper.make_tensor_value_info(n, TensorProto.FLOAT, []) for n in ("logits", "pred_boxes")]
    return sealed(helper.make_graph(nodes, "g", [value], declared, initializer=[shape]))


def laughing_functions(depth: int = 28) -> bytes:
    """Functions that call each other twice: 2^depth nodes once they are unfolded."""
    model = _model()
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    for level in range(depth):
        if level:
            nodes = [
                helper.make_node(f"F{level - 1}", ["x"], ["m"], domain="own"),
                helper.make_node(f"F{level - 1}", ["m"], ["y"], domain="own"),
            ]
        else:
            nodes = [helper.make_node("Sin", ["x"], ["y"])]
        model.functions.append(helper.make_function("own", f"F{level}", ["x"], ["y"], nodes, imports))
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.graph.node.append(helper.make_node(f"F{depth - 1}", ["images"], ["laugh"], domain="own"))
    model.graph.output.append(helper.make_tensor_value_info("laugh", TensorProto.FLOAT, (1, 3, 64, 64)))
    return _done(model)


def safetensors(header: dict[str, object] | bytes, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data
