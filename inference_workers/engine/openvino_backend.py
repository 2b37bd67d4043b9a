"""Detectors in OpenVINO, for Intel CPUs and GPUs: chosen with VIDETTE_PROVIDERS=OpenVINO, installed apart.

Models from files run here; the built-in face and text models stay on onnxruntime's CPU provider, because
their graphs have free sizes and their figures were measured there.
"""

from pathlib import Path
from typing import Any

import numpy as np

from inference_workers.engine.backends import (
    OPENVINO,
    SIZE_INPUT,
    Backend,
    BackendOptions,
    Tensor,
    TensorSpec,
    open_backend,
)
from inference_workers.engine.errors import EngineError
from inference_workers.engine.onnx_files import clean_graph, parse_checked


class OpenVinoBackend:
    """A graph compiled by OpenVINO. Each call takes a request of its own: safe in several threads."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        image, *others = compiled.inputs
        self._wants_size = bool(others)
        self.input = _spec(image)
        self.outputs = tuple(_spec(port) for port in compiled.outputs)
        self.providers: tuple[str, ...] = (OPENVINO,)

    def run(self, tensor: Tensor) -> dict[str, Tensor]:
        feed: dict[str, Any] = {self.input.name: tensor}
        if self._wants_size:
            feed[SIZE_INPUT] = np.array([[tensor.shape[3], tensor.shape[2]]] * len(tensor), np.int64)
        try:
            values = self._compiled.create_infer_request().infer(feed)
        except RuntimeError as error:
            raise EngineError(
                "inference_failed", f"the graph refused an input of shape {tensor.shape}: {error!s:.300}"
            ) from error
        return {spec.name: np.asarray(values[place], np.float32) for place, spec in enumerate(self.outputs)}


def open_detector_backend(data: bytes, name: str, options: BackendOptions) -> Backend:
    """The backend that the settings choose for a model from a file. Raises EngineError as `open_backend`."""
    if OPENVINO in options.providers:
        return _open_openvino(data, name, options)
    return open_backend(data, name, options)


def _open_openvino(data: bytes, name: str, options: BackendOptions) -> OpenVinoBackend:
    try:
        import openvino
    except ImportError as error:
        raise EngineError(
            "provider_missing",
            "VIDETTE_PROVIDERS asks for OpenVINO, which is not installed: pip install openvino==2026.4.1 in "
            "the worker's environment, or ask for CPUExecutionProvider",
        ) from error
    core = openvino.Core()
    # f32: left to itself OpenVINO computes in bf16 where the CPU can, and scores differ by a hundredth.
    settings: dict[str, Any] = {"INFERENCE_NUM_THREADS": options.threads, "INFERENCE_PRECISION_HINT": "f32"}
    if options.cache_dir is not None:
        settings["CACHE_DIR"] = str(_folder(options.cache_dir / "openvino"))
    try:
        model = core.read_model(clean_graph(parse_checked(data, name)), b"")
        return OpenVinoBackend(core.compile_model(model, "CPU", settings))
    except RuntimeError as error:
        raise EngineError("model_not_onnx", f"{name}: OpenVINO refused it: {error!s:.300}") from error


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _spec(port: Any) -> TensorSpec:
    shape = tuple(int(str(axis)) if axis.is_static else None for axis in port.get_partial_shape())
    return TensorSpec(str(port.get_any_name()), shape)
