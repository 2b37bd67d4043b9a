"""Tiny graphs that answer constants, and the settings of a data plane in a folder of its own."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from inference_workers.contracts.environment import Environment
from inference_workers.engine.preprocess import Preprocess
from inference_workers.engine.side_file import SideFile
from inference_workers.settings import WorkerSettings, read


def constant_graph(
    outputs: Mapping[str, np.ndarray],
    shape: tuple[int | str, ...] = (1, 3, 64, 64),
    second_input: str | None = None,
) -> bytes:
    """A graph that takes a picture and answers `outputs` whatever it sees."""
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)]
    if second_input:
        inputs.append(helper.make_tensor_value_info(second_input, TensorProto.INT64, (1, 2)))
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value, f"{name}_value"))
        for name, value in outputs.items()
    ]
    declared = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in outputs.items()
    ]
    return sealed(helper.make_graph(nodes, "constants", inputs, declared))


def sealed(graph: onnx.GraphProto) -> bytes:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def echo_graph(shape: tuple[int | str, ...] = (1, 3, 4, 4)) -> bytes:
    """A graph that answers its input."""
    value = helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)
    answer = helper.make_tensor_value_info("echo", TensorProto.FLOAT, shape)
    return sealed(
        helper.make_graph([helper.make_node("Identity", ["images"], ["echo"])], "e", [value], [answer])
    )


def side_of(data: bytes, **changes: object) -> SideFile:
    side = SideFile(
        family="detr", task="detection", licence="Apache-2.0", source="made in a test",
        sha256=hashlib.sha256(data).hexdigest(), classes=("person", "car"), input_size=(64, 64),
        preprocess=Preprocess(), thresholds={"score": 0.5},
    )  # fmt: skip
    return replace(side, **changes)  # type: ignore[arg-type]


def worker_settings(folder: Path, **variables: str) -> WorkerSettings:
    return read(
        Environment(
            {"VIDETTE_DATA_DIR": str(folder), "REDIS_URL": f"unix://{folder}/none.sock",
             "VIDETTE_LEASE_KEY": "not used here", **variables}
        )
    )  # fmt: skip


def detr_outputs(*rows: tuple[float, float, float, float, int, float]) -> dict[str, np.ndarray]:
    """`logits` and `pred_boxes` of rows (cx, cy, w, h, class, score); two classes."""
    logits = np.full((1, len(rows), 2), -9.0, np.float32)
    boxes = np.zeros((1, len(rows), 4), np.float32)
    for i, (cx, cy, w, h, class_id, score) in enumerate(rows):
        boxes[0, i] = (cx, cy, w, h)
        logits[0, i, class_id] = np.log(score / (1 - score))
    return {"logits": logits, "pred_boxes": boxes}
