"""Opening graphs: hashes, providers, and files that want to reach out of themselves."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from inference_workers.engine.backends import BackendOptions, _provider_arguments, open_backend
from inference_workers.engine.errors import EngineError
from inference_workers.engine.onnx_files import clean_graph, parse_checked, read_checked
from inference_workers.engine.openvino_backend import open_detector_backend
from tests.engine.onnx_graphs import constant_graph, echo_graph, sealed

OPTIONS = BackendOptions()


def _external(name: str = "stolen") -> TensorProto:
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), name)
    onnx.external_data_helper.set_external_data(tensor, location="../../etc/passwd")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    return tensor


def _value(name: str, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, (4,))


def _with_initializer() -> onnx.ModelProto:
    node = helper.make_node("Add", ["images", "stolen"], ["sum"])
    return _model(helper.make_graph([node], "g", [_value("images")], [_value("sum")], [_external()]))


def _with_attribute() -> onnx.ModelProto:
    node = helper.make_node("Constant", [], ["sum"], value=_external())
    return _model(helper.make_graph([node], "g", [_value("images")], [_value("sum")]))


def _with_sparse() -> onnx.ModelProto:
    model = _with_initializer()
    del model.graph.initializer[:]
    sparse = model.graph.sparse_initializer.add()
    sparse.values.CopyFrom(_external())
    return model


def _with_subgraph() -> onnx.ModelProto:
    inner = helper.make_graph(
        [helper.make_node("Identity", ["stolen"], ["x"])], "i", [], [_value("x")], [_external()]
    )
    condition = helper.make_tensor_value_info("images", TensorProto.BOOL, (1,))
    node = helper.make_node("If", ["images"], ["sum"], then_branch=inner, else_branch=inner)
    return _model(helper.make_graph([node], "g", [condition], [_value("sum")]))


def _with_function() -> onnx.ModelProto:
    model = _with_attribute()
    node = helper.make_node("Constant", [], ["y"], value=_external())
    model.functions.append(
        helper.make_function("own", "f", ["x"], ["y"], [node], [helper.make_opsetid("", 17)])
    )
    model.graph.node[0].CopyFrom(helper.make_node("f", ["images"], ["sum"], domain="own"))
    return model


def _with_training_info() -> onnx.ModelProto:
    model = _model(onnx.load_model_from_string(echo_graph()).graph)
    info = model.training_info.add()
    info.initialization.initializer.append(_external())
    return model


def _model(graph: onnx.GraphProto) -> onnx.ModelProto:
    return onnx.load_model_from_string(sealed(graph))


@pytest.mark.parametrize(
    "make",
    [_with_initializer, _with_attribute, _with_sparse, _with_subgraph, _with_function, _with_training_info],
)
def test_it_refuses_a_tensor_in_another_file_wherever_it_hangs(make) -> None:
    with pytest.raises(EngineError, match="lies in another file") as caught:
        parse_checked(make().SerializeToString(), "mallory.onnx")
    assert caught.value.code == "model_external_tensor"


@pytest.mark.parametrize("data", [b"", b"MZ not a model", b"\x80\x04\x95pickle", b"\x00" * 100])
def test_it_refuses_bytes_that_are_no_onnx_graph(data: bytes) -> None:
    with pytest.raises(EngineError) as caught:
        parse_checked(data, "mallory.onnx")
    assert caught.value.code == "model_not_onnx"


def test_it_returns_exactly_the_bytes_that_were_hashed(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(echo_graph())
    assert read_checked(path, hashlib.sha256(echo_graph()).hexdigest()) == echo_graph()
    with pytest.raises(EngineError, match="expected sha256 " + "0" * 64):
        read_checked(path, "0" * 64)


def test_it_refuses_a_file_above_the_limit_and_a_missing_one(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"x" * 101)
    with pytest.raises(EngineError) as caught:
        read_checked(path, "0" * 64, max_bytes=100)
    assert caught.value.code == "model_too_large"
    with pytest.raises(EngineError) as caught:
        read_checked(tmp_path / "none.onnx", "0" * 64)
    assert caught.value.code == "model_missing"


def test_it_runs_a_graph_and_names_its_answers() -> None:
    backend = open_backend(echo_graph(), "echo", OPTIONS)
    picture = np.arange(48, dtype=np.float32).reshape(1, 3, 4, 4)
    assert backend.input.shape == (1, 3, 4, 4)
    np.testing.assert_array_equal(backend.run(picture)["echo"], picture)


def test_a_refused_input_is_an_error_in_words() -> None:
    backend = open_backend(echo_graph(), "echo", OPTIONS)
    with pytest.raises(EngineError, match="shape") as caught:
        backend.run(np.zeros((1, 3, 5, 5), np.float32))
    assert caught.value.code == "inference_failed"


def test_a_missing_provider_is_an_error_and_never_a_silent_cpu() -> None:
    missing = sorted(set(onnxruntime.get_all_providers()) - set(onnxruntime.get_available_providers()))[0]
    options = BackendOptions((missing, "CPUExecutionProvider"))
    with pytest.raises(EngineError, match=f"asks for {missing}") as caught:
        open_backend(echo_graph(), "echo", options)
    assert caught.value.code == "provider_missing"


@pytest.mark.gpu
def test_it_runs_on_cuda_when_asked_to() -> None:
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("onnxruntime-gpu is not installed here")
    options = BackendOptions(("CUDAExecutionProvider", "CPUExecutionProvider"))
    backend = open_backend(echo_graph(), "echo", options)
    picture = np.ones((1, 3, 4, 4), np.float32)
    assert backend.providers[0] == "CUDAExecutionProvider"
    np.testing.assert_array_equal(backend.run(picture)["echo"], picture)


def test_it_feeds_the_tensor_size_to_graphs_that_ask_for_it() -> None:
    """D-FINE's exports scale their boxes to a second input."""
    picture = helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, 8, 16))
    sizes = helper.make_tensor_value_info("orig_target_sizes", TensorProto.INT64, (1, 2))
    out = [
        helper.make_tensor_value_info("size", TensorProto.INT64, (1, 2)),
        helper.make_tensor_value_info("same", TensorProto.FLOAT, (1, 3, 8, 16)),
    ]
    nodes = [
        helper.make_node("Identity", ["orig_target_sizes"], ["size"]),
        helper.make_node("Identity", ["images"], ["same"]),
    ]
    backend = open_backend(sealed(helper.make_graph(nodes, "g", [picture, sizes], out)), "d-fine", OPTIONS)
    assert backend.run(np.zeros((1, 3, 8, 16), np.float32))["size"].tolist() == [[16, 8]]


def test_it_refuses_graphs_with_other_second_inputs() -> None:
    data = constant_graph({"o": np.zeros((1, 1), np.float32)}, second_input="tokens")
    with pytest.raises(EngineError, match="tokens") as caught:
        open_backend(data, "m", OPTIONS)
    assert caught.value.code == "model_input"


def test_cleaning_takes_weights_out_of_the_inputs_and_drops_unused_ones() -> None:
    weights = [numpy_helper.from_array(np.full(4, 2, np.float32), name) for name in ("used", "unused")]
    inputs = [_value("images"), _value("used"), _value("unused")]
    node = helper.make_node("Mul", ["images", "used"], ["product"])
    model = _model(helper.make_graph([node], "g", inputs, [_value("product")], weights))
    cleaned = onnx.load_model_from_string(clean_graph(model))
    assert [value.name for value in cleaned.graph.input] == ["images"]
    assert [tensor.name for tensor in cleaned.graph.initializer] == ["used"]
    session = onnxruntime.InferenceSession(cleaned.SerializeToString(), providers=["CPUExecutionProvider"])
    assert session.run(None, {"images": np.ones(4, np.float32)})[0].tolist() == [2, 2, 2, 2]


def test_cleaning_keeps_a_weight_that_only_a_subgraph_reads() -> None:
    weight = numpy_helper.from_array(np.full(4, 3, np.float32), "outer")
    inner = helper.make_graph([helper.make_node("Identity", ["outer"], ["x"])], "i", [], [_value("x")])
    condition = helper.make_tensor_value_info("images", TensorProto.BOOL, (1,))
    node = helper.make_node("If", ["images"], ["sum"], then_branch=inner, else_branch=inner)
    model = _model(helper.make_graph([node], "g", [condition], [_value("sum")], [weight]))
    session = onnxruntime.InferenceSession(clean_graph(model), providers=["CPUExecutionProvider"])
    assert session.run(None, {"images": np.array([True])})[0].tolist() == [3, 3, 3, 3]


def test_openvino_that_is_not_installed_is_said_in_words(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(EngineError, match="pip install openvino") as refused:
        open_detector_backend(echo_graph(), "echo", BackendOptions(("OpenVINO",)))
    assert refused.value.code == "provider_missing"
    built_in = open_backend(echo_graph(), "echo", BackendOptions(("OpenVINO",)))
    assert built_in.providers == ("CPUExecutionProvider",)


def test_tensorrt_keeps_its_engines_and_is_refused_where_it_is_missing(tmp_path) -> None:
    ((name, options),) = _provider_arguments(("TensorrtExecutionProvider",), tmp_path)
    assert (name, options["trt_engine_cache_path"]) == (
        "TensorrtExecutionProvider", str(tmp_path / "tensorrt"),
    )  # fmt: skip
    with pytest.raises(EngineError, match="TensorrtExecutionProvider"):
        open_backend(echo_graph(), "echo", BackendOptions(("TensorrtExecutionProvider",)))
