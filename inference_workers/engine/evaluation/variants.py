"""Other files of a version: int8, fp16, a cleaned graph. Each is a version of its own and passes the gate.

int8 follows what was measured to work on this product's detectors: the graph is cleaned and brought to a
newer opset, shapes are inferred, nodes get names, and onnxruntime's static quantisation writes QDQ pairs,
unsigned activations, signed weights per channel, for the convolutions alone. Dynamic quantisation is not
offered: it was nine times slower (docs/model-quality.md).
"""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import version_converter

from inference_workers.contracts.evaluations import VariantKind
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Image
from inference_workers.engine.onnx_files import clean_graph, parse_checked
from inference_workers.engine.preprocess import place, to_tensor
from inference_workers.engine.side_file import SideFile

OPSET = 13
MIN_CALIBRATION = 8
MAX_CALIBRATION = 100  # onnxruntime keeps the activations of all of them in memory


def make_variant(
    data: bytes, name: str, side: SideFile, kind: VariantKind, pictures: Sequence[Image]
) -> tuple[bytes, SideFile]:
    """The new file and its side file.

    Args:
        pictures: calibration, for int8 alone.

    Raises:
        EngineError: `variant_of_variant`, `calibration_short`, `variant_failed`.
    """
    if side.kind != "fp32" and kind is not VariantKind.CLEANED:
        raise EngineError(
            "variant_of_variant", f"{name}: expected a version with fp32 numbers, this one is {side.kind}"
        )
    model = parse_checked(data, name)
    try:
        made = _MAKERS[kind](model, side, pictures)
    except EngineError:
        raise
    except Exception as error:  # the converters raise whatever their graph passes meet
        raise EngineError("variant_failed", f"{name}: {kind} could not be made: {error!s:.300}") from error
    note = f"{kind.value} of {name}" + (f", calibrated on {len(pictures)} pictures" if pictures else "")
    return made, replace(
        side,
        sha256=hashlib.sha256(made).hexdigest(),
        parent_sha256=side.sha256,
        kind=kind.value,
        metrics={},
        note=note,
    )


def _cleaned(model: onnx.ModelProto, _side: SideFile, _pictures: Sequence[Image]) -> bytes:
    return clean_graph(model)


def _fp16(model: onnx.ModelProto, _side: SideFile, _pictures: Sequence[Image]) -> bytes:
    """Weights and arithmetic in half precision, inputs and outputs as before."""
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    cleaned = onnx.load_model_from_string(clean_graph(model))
    converted = convert_float_to_float16(cleaned, keep_io_types=True, disable_shape_infer=False)
    # The converter puts its casts at the end; the standard asks for an order in which each input was made.
    OnnxModel(converted).topological_sort()
    return bytes(converted.SerializeToString())


def _int8(model: onnx.ModelProto, side: SideFile, pictures: Sequence[Image]) -> bytes:
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    if not MIN_CALIBRATION <= len(pictures) <= MAX_CALIBRATION:
        raise EngineError(
            "calibration_short",
            f"expected {MIN_CALIBRATION} to {MAX_CALIBRATION} pictures to calibrate on, got {len(pictures)}",
        )
    with tempfile.TemporaryDirectory(prefix="variant-") as folder:
        prepared, quantised = Path(folder) / "prepared.onnx", Path(folder) / "int8.onnx"
        _prepare(model, prepared)
        quantize_static(
            str(prepared),
            str(quantised),
            _Calibration(_input_name(prepared), side, pictures),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            # Convolutions are where the time goes; the last ones, which give scores and sides, stay as they
            # are. Percentiles, because a few large activations stretch the range for all others: NanoDet
            # lost 0.1 point of mAP with them and 1.1 with the extremes (docs/model-quality.md).
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=sorted(_last_convolutions(onnx.load(prepared))),
            calibrate_method=CalibrationMethod.Percentile,
        )
        return quantised.read_bytes()


def _prepare(model: onnx.ModelProto, path: Path) -> None:
    """Names, opset, folded constants and shapes, so that the quantiser sees what it may merge."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    cleaned = onnx.load_model_from_string(clean_graph(model))
    if _opset(cleaned) < OPSET:
        cleaned = version_converter.convert_version(cleaned, OPSET)
    for number, node in enumerate(cleaned.graph.node):
        node.name = node.name or f"{node.op_type}_{number}"
    named = path.with_name("named.onnx")
    onnx.save(cleaned, named)
    # By path: with a model in memory onnxruntime 1.32 skips folding, and biases stay outside of nodes.
    quant_pre_process(str(named), str(path), skip_symbolic_shape=True)


def _last_convolutions(model: onnx.ModelProto) -> set[str]:
    """Names of the convolutions from which an output is reached without another one."""
    made_by = {name: node for node in model.graph.node for name in node.output}
    waiting, seen, last = [value.name for value in model.graph.output], set[str](), set[str]()
    while waiting:
        node = made_by.get(waiting.pop())
        if node is None or node.name in seen:
            continue
        seen.add(node.name)
        if node.op_type == "Conv":
            last.add(node.name)
        else:
            waiting.extend(node.input)
    return last


def _opset(model: onnx.ModelProto) -> int:
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def _input_name(path: Path) -> str:
    model = onnx.load(path)
    weights = {tensor.name for tensor in model.graph.initializer}
    return str(next(value.name for value in model.graph.input if value.name not in weights))


class _Calibration:
    """Feeds the calibration pictures as the version wants them (a CalibrationDataReader by its shape)."""

    def __init__(self, input_name: str, side: SideFile, pictures: Sequence[Image]) -> None:
        self._name = input_name
        self._tensors = self._made(side, pictures)

    @staticmethod
    def _made(side: SideFile, pictures: Sequence[Image]) -> Iterator[NDArray[np.float32]]:
        for image in pictures:
            where = place(image.shape[1], image.shape[0], side.input_size, side.preprocess.resize)
            yield to_tensor([image], [where], side.preprocess)

    def get_next(self) -> dict[str, Any] | None:
        tensor = next(self._tensors, None)
        return None if tensor is None else {self._name: tensor}


_MAKERS = {VariantKind.CLEANED: _cleaned, VariantKind.FP16: _fp16, VariantKind.INT8: _int8}
