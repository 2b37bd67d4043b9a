"""Only redaction makes a `RedactedFrame`, and no sink can be given anything else."""

import ast
import inspect
import typing
from pathlib import Path

import numpy as np

from inference_workers.engine import display, redaction, segments
from inference_workers.engine.frame import Frame
from inference_workers.streams import recording, sinks

ROOT = Path(__file__).resolve().parents[2]
CODE = ("inference_workers", "apps", "webapp", "benchmarks")
RAW_TYPES = {Frame, np.ndarray, bytes, bytearray, memoryview}


def _sources():
    for folder in CODE:
        yield from (ROOT / folder).rglob("*.py")


def _called_names(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func
            yield name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "")


def _mentions(tree, name):
    return any(
        name in (getattr(node, "id", ""), getattr(node, "attr", ""), getattr(node, "value", ""))
        for node in ast.walk(tree)
        if isinstance(node, (ast.Name, ast.Attribute, ast.Constant))
    )


def test_no_other_module_constructs_a_redacted_frame():
    makers = [
        str(path.relative_to(ROOT))
        for path in _sources()
        if "RedactedFrame" in set(_called_names(ast.parse(path.read_text())))
    ]
    assert makers == ["inference_workers/engine/redaction.py"]


def test_no_other_module_touches_the_seal():
    touching = [
        str(path.relative_to(ROOT)) for path in _sources() if _mentions(ast.parse(path.read_text()), "_SEAL")
    ]
    assert touching == ["inference_workers/engine/redaction.py"]


def _annotations(function):
    hints = typing.get_type_hints(function)
    hints.pop("return", None)
    for hint in hints.values():
        yield from _flat(hint)


def _flat(hint):
    """The hint and all types inside of it, those of dataclass fields included."""
    yield typing.get_origin(hint) or hint
    for inner in typing.get_args(hint):
        yield from _flat(inner)
    if hint in (display.DisplayFrame, display.Report):
        for inner in typing.get_type_hints(hint).values():
            yield from _flat(inner)


def test_no_sink_takes_a_raw_picture():
    taken = {
        f"{name}.{method}": set(_annotations(function)) & RAW_TYPES
        for name, sink in vars(sinks).items()
        if inspect.isclass(sink) and name.endswith("Sink")
        for method, function in inspect.getmembers(sink, inspect.isfunction)
        if not method.startswith("_")
    }
    assert {name for name in taken if taken[name]} == set()
    assert {"LiveSink.publish", "SnapshotSink.store", "ResultSink.send"} <= taken.keys()


def test_video_is_made_of_redacted_frames_or_sealed_at_once():
    """`video_frame` takes any picture: `prepare` asks for a RedactedFrame, originals leave sealed only."""
    callers = {
        str(path.relative_to(ROOT))
        for folder in ("streams", "engine", "tasks")
        for path in (ROOT / "inference_workers" / folder).rglob("*.py")
        if "video_frame" in set(_called_names(ast.parse(path.read_text())))
    }
    allowed = {"inference_workers/engine/segments.py", "inference_workers/engine/originals.py"}
    assert callers <= allowed | {"inference_workers/tasks/reveal.py"}
    assert typing.get_type_hints(segments.prepare)["redacted"] is redaction.RedactedFrame
    stored = typing.get_type_hints(recording.RecordingSink.store)
    assert "Segment" in str(stored["segments"])


def test_only_redacted_frames_are_encoded():
    assert typing.get_type_hints(redaction.encode_jpeg)["redacted"] is redaction.RedactedFrame
    encoders = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "inference_workers" / "streams").rglob("*.py")
        if {"imencode", "imwrite"} & set(_called_names(ast.parse(path.read_text())))
    ]
    assert encoders == []
