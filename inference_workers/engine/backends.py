"""Where a graph runs: one protocol, here onnxruntime with its providers; see `openvino_backend` too."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from inference_workers.engine.errors import EngineError
from inference_workers.engine.onnx_files import clean_graph, parse_checked

Tensor = NDArray[np.float32]
# Second input of D-FINE exports: (width, height) that boxes are answered in; here the tensor's own size.
SIZE_INPUT = "orig_target_sizes"
_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
_TENSORRT = "TensorrtExecutionProvider"
OPENVINO = "OpenVINO"  # no provider of onnxruntime: a library of its own, for detectors from files
_ERRORS_ONLY = 3
_OUT_OF_MEMORY = re.compile(r"failed to allocate|out of memory|bad_alloc", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output of a graph; a free axis is None."""

    name: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class BackendOptions:
    """Attributes:
    providers: onnxruntime execution providers in order of preference; all of them must be served.
    threads: threads inside one operator.
    cache_dir: where TensorRT and OpenVINO keep what they compiled; None: they compile at every start.
    """

    providers: tuple[str, ...] = ("CPUExecutionProvider",)
    threads: int = 1
    cache_dir: Path | None = None


class Backend(Protocol):
    """A loaded graph with one image input. `run` is safe to call from several threads."""

    input: TensorSpec
    outputs: tuple[TensorSpec, ...]
    providers: tuple[str, ...]

    def run(self, tensor: Tensor) -> dict[str, Tensor]:
        """Answer with every output by name. Raises EngineError `inference_failed`."""


class OnnxBackend:
    """A graph in onnxruntime."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        image = session.get_inputs()[0]
        self._wants_size = len(session.get_inputs()) > 1
        self.input = TensorSpec(image.name, _free_axes(image.shape))
        self.outputs = tuple(
            TensorSpec(value.name, _free_axes(value.shape)) for value in session.get_outputs()
        )
        self.providers = tuple(session.get_providers())
        self.metadata: Mapping[str, str] = session.get_modelmeta().custom_metadata_map

    def run(self, tensor: Tensor) -> dict[str, Tensor]:
        try:
            values = self._session.run(None, self._feed(tensor))
        except Exception as error:  # onnxruntime has a dozen classes without a common one of its own
            code = "out_of_memory" if _OUT_OF_MEMORY.search(str(error)) else "inference_failed"
            raise EngineError(
                code,
                f"the graph refused an input of shape {tensor.shape}: {error!s:.300}",
                transient=code == "out_of_memory",
            ) from error
        return {spec.name: value for spec, value in zip(self.outputs, values, strict=True)}

    def _feed(self, tensor: Tensor) -> dict[str, NDArray[Any]]:
        feed: dict[str, NDArray[Any]] = {self.input.name: tensor}
        if self._wants_size:
            size = [tensor.shape[3], tensor.shape[2]]
            feed[SIZE_INPUT] = np.array([size] * len(tensor), np.int64)
        return feed


def open_backend(
    data: bytes, name: str, options: BackendOptions, *, dynamic_sizes: bool = False
) -> OnnxBackend:
    """Open ONNX bytes whose hash the caller has compared (`onnx_files.read_checked`).

    Raises:
        EngineError: `model_not_onnx`, `model_external_tensor`, `model_input`, `provider_missing`.
    """
    cleaned = clean_graph(parse_checked(data, name), dynamic_sizes=dynamic_sizes)
    session = _create_session(cleaned, name, options)
    names = [value.name for value in session.get_inputs()]
    if len(names) != 1 and names[1:] != [SIZE_INPUT]:
        raise EngineError("model_input", f"{name}: expected one picture as input, the graph has {names}")
    return OnnxBackend(session)


def _create_session(data: bytes, name: str, options: BackendOptions) -> onnxruntime.InferenceSession:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = _ERRORS_ONLY
    # A block of memory is planned and kept for every shape of input ever seen; batches and lines of text
    # have dozens. Without it CenterFace with mixed batches holds 337 MB, not 531, in the same time.
    settings.enable_mem_pattern = False
    # A worker that waits must not burn a core that a decoder needs.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = tuple(provider for provider in options.providers if provider != OPENVINO) or (_CPU,)
    _require_available(providers)
    try:
        session = onnxruntime.InferenceSession(
            data, sess_options=settings, providers=_provider_arguments(providers, options.cache_dir)
        )
    except Exception as error:  # onnxruntime has a dozen classes without a common one of its own
        raise EngineError("model_not_onnx", f"{name}: onnxruntime refused it: {error!s:.300}") from error
    _require_served(providers, session.get_providers())
    return session


def _provider_arguments(providers: Sequence[str], cache_dir: Path | None) -> list[Any]:
    options: dict[str, dict[str, Any]] = {
        # The default strategy doubles the arena at every growth: 35 GiB where 3 are enough (PITFALLS 5).
        _CUDA: {"arena_extend_strategy": "kSameAsRequested", "cudnn_conv_algo_search": "HEURISTIC"},
        _TENSORRT: _tensorrt(cache_dir),
    }
    return [(name, options[name]) if name in options else name for name in providers]


def _tensorrt(cache_dir: Path | None) -> dict[str, Any]:
    """Engines are compiled for one GPU in minutes: kept."""
    if cache_dir is None:
        return {}
    folder = cache_dir / "tensorrt"
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": True,
        "trt_timing_cache_path": str(folder),
    }


def _require_available(providers: Sequence[str]) -> None:
    """onnxruntime drops a provider that its build lacks with a warning only; here that is an error."""
    available = onnxruntime.get_available_providers()
    _require_served(providers, available)


def _require_served(asked: Sequence[str], served: Sequence[str]) -> None:
    if missing := [name for name in asked if name not in served]:
        raise EngineError(
            "provider_missing",
            f"VIDETTE_PROVIDERS asks for {', '.join(missing)}, onnxruntime serves only "
            f"{', '.join(served)}; install requirements/gpu and a driver, or ask for CPUExecutionProvider",
        )


def _free_axes(shape: Sequence[Any]) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) and size > 0 else None for size in shape)
