"""Files of strangers: every line of the check, and walls that hold when the file is worse than any check."""

import hashlib
import json
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from inference_workers.contracts.model_checks import CheckModel, CheckName, CheckOutcome, FamilyContract
from inference_workers.contracts.model_files import ONNX, SAFETENSORS, START_BYTES, recognise
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_checks import process
from inference_workers.engine.model_checks.operators import refuse_operators
from inference_workers.engine.model_checks.process import CheckLimits, check_file
from inference_workers.engine.model_checks.steps import Evidence, run
from inference_workers.engine.onnx_files import parse_checked
from tests.engine import hostile_models as hostile
from tests.engine.onnx_graphs import constant_graph, detr_outputs, side_of

C = CheckName
PASSED, FAILED, SKIPPED = CheckOutcome.PASSED, CheckOutcome.FAILED, CheckOutcome.SKIPPED
QUICK = CheckLimits(cpu_s=3, wall_s=60)


def job_of(data: bytes, artifact: str = ONNX, **side_facts) -> CheckModel:
    side = side_of(data, **side_facts)
    text = side.to_json() if artifact == ONNX else ""
    return CheckModel(
        "v1", 1, "tiny", "models/v1/artifact", side.sha256, len(data), artifact, text, "MIT",
        time.time() + 60,
    )  # fmt: skip


@pytest.fixture
def kept(tmp_path):
    def keep(data: bytes) -> Path:
        path = tmp_path / "artifact"
        path.write_bytes(data)
        return path

    return keep


@pytest.fixture
def looked(kept):
    """The steps in this process: quick, for files that only have to be refused by reading them."""

    def look(data: bytes, job: CheckModel | None = None) -> dict[CheckName, tuple[CheckOutcome, str]]:
        job = job or job_of(data)
        lines = run(Evidence(job, kept(data)), lambda _check: None)
        return {line.check: (line.outcome, line.detail) for line in lines}

    return look


def test_a_sound_file_passes_every_line_inside_of_four_walls(kept):
    data = hostile.good()
    reply = check_file(kept(data), job_of(data))
    assert reply.passed, [line for line in reply.lines if line.outcome is not PASSED]
    assert [line.check for line in reply.lines] == [
        "format", "hash", "side_file", "licence", "family", "structure", "external", "opset", "operators",
        "graph", "input", "load", "inference", "outputs", "resources",
    ]  # fmt: skip
    assert {"limits", "system call filter"} <= set(reply.sandbox)
    assert (reply.opset, reply.memory_bytes > 10**7, reply.median_ms > 0) == (17, True, True)


@pytest.mark.parametrize("place", sorted(hostile.EXTERNAL))
def test_a_tensor_in_another_file_is_refused_wherever_it_hides(place, looked, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(16))
    lines = looked(hostile.EXTERNAL[place](hostile.external_tensor(str(secret))))
    assert lines[C.EXTERNAL][0] is FAILED
    assert "lies in another file" in lines[C.EXTERNAL][1]
    assert {lines[name][0] for name in (C.LOAD, C.INFERENCE, C.OUTPUTS)} == {SKIPPED}


def test_the_list_of_hiding_places_is_the_one_that_was_meant():
    assert len(hostile.EXTERNAL) == 12


def test_fields_that_only_another_reader_knows_are_refused(looked):
    outcome, words = looked(hostile.unknown_field())[C.STRUCTURE]
    assert (outcome, "only fields of ONNX" in words) == (FAILED, True)


@pytest.mark.parametrize("make", [hostile.pickled, hostile.zipped])
def test_pickles_are_named_and_never_read(make, kept, tmp_path):
    canary = tmp_path / "canary"
    data = make(canary)
    reply = check_file(kept(data), job_of(data), QUICK)
    by_name = {line.check: line for line in reply.lines}
    assert by_name[C.FORMAT].outcome is FAILED
    assert "pickle" in by_name[C.FORMAT].detail
    assert by_name[C.LOAD].outcome is SKIPPED
    assert not canary.exists()


def test_a_pickle_behind_a_real_model_is_no_model(looked, tmp_path):
    canary = tmp_path / "canary"
    lines = looked(hostile.onnx_with_pickle_behind(canary))
    assert lines[C.STRUCTURE][0] is FAILED
    assert not canary.exists()


@pytest.mark.parametrize("length", [0, 1, 8, 20, 200])
def test_truncated_files_are_refused(length, looked):
    data = hostile.good()
    lines = looked(data[: min(length, len(data) - 30)])
    assert FAILED in (lines[C.FORMAT][0], lines[C.STRUCTURE][0])
    assert lines[C.LOAD][0] is SKIPPED


@pytest.mark.parametrize("make", [hostile.not_a_number, hostile.nan_for_white_only])
def test_answers_that_are_no_numbers_are_refused_also_when_few_pictures_show_them(make, looked):
    outcome, words = looked(make())[C.INFERENCE]
    assert (outcome, "NaN" in words) == (FAILED, True)


def test_infinity_is_refused_too(looked):
    outputs = detr_outputs((0.5, 0.5, 0.2, 0.4, 0, 0.9))
    outputs["pred_boxes"][0, 0, 2] = np.inf
    assert looked(constant_graph(outputs))[C.INFERENCE][0] is FAILED


def test_a_loop_is_refused_before_it_could_run(looked):
    lines = looked(hostile.loop_without_end())
    assert lines[C.OPERATORS] == (FAILED, "tiny: operator 'Loop' is refused: loops have no certain end")
    assert lines[C.LOAD][0] is SKIPPED


def test_work_without_end_is_stopped_and_the_line_says_where(kept):
    data = hostile.work_without_end()
    started = time.monotonic()
    reply = check_file(kept(data), job_of(data), CheckLimits(cpu_s=3, wall_s=60))
    assert time.monotonic() - started < 50
    assert (reply.passed, reply.lines[-1].outcome) == (False, FAILED)
    assert reply.lines[-1].check in (C.LOAD, C.INFERENCE)
    assert "stopped" in reply.lines[-1].detail


def test_a_child_that_does_not_compute_is_stopped_too(kept, monkeypatch):
    data = hostile.good()
    monkeypatch.setattr(process, "_start", lambda path, limits: _sleeper())
    with pytest.raises(EngineError) as caught:
        check_file(kept(data), job_of(data), CheckLimits(wall_s=0.3))
    assert (caught.value.code, caught.value.transient) == ("check_broken", True)


def _sleeper():
    return subprocess.Popen(["sleep", "600"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@pytest.mark.parametrize("make", [hostile.memory_bomb, hostile.laughing_functions])
def test_bombs_hit_the_limits_of_the_child_alone(make, kept):
    data = make()
    limits = replace(QUICK, base_memory_bytes=2 * 1024**3)
    reply = check_file(kept(data), job_of(data), limits)
    assert not reply.passed
    assert FAILED in {line.outcome for line in reply.lines if line.check in (C.LOAD, C.INFERENCE, C.GRAPH)}


def test_wrong_shapes_are_refused_in_words(looked):
    data = constant_graph(detr_outputs((0.5, 0.5, 0.2, 0.4, 0, 0.9)), (1, 1, 64, 64))
    outcome, words = looked(data)[C.INPUT]
    assert (outcome, "(N, 3, 64, 64)" in words) == (FAILED, True)
    data = constant_graph(
        {"logits": np.zeros((1, 5), np.float32), "pred_boxes": np.zeros((7, 9), np.float32)}
    )
    lines = looked(data)
    assert FAILED in (lines[C.INFERENCE][0], lines[C.OUTPUTS][0])


def test_a_column_too_many_shows_even_when_no_picture_scores(looked):
    quiet = detr_outputs((0.5, 0.5, 0.2, 0.4, 1, 0.001))
    data = constant_graph(quiet)
    lines = looked(data, job_of(data, classes=("person",)))
    assert lines[C.OUTPUTS][0] is FAILED


def test_the_licence_is_asked_for(looked):
    data = hostile.good()
    assert looked(data, job_of(data, licence="unknown"))[C.LICENCE][0] is FAILED


def test_what_the_family_promises_is_kept(looked):
    data = hostile.good()
    contract = FamilyContract("detection", "detr", ("person", "truck"))
    outcome, words = looked(data, replace(job_of(data), family=contract))[C.FAMILY]
    assert (outcome, words) == (FAILED, "class 1: expected 'truck', got 'car'")
    same = FamilyContract("detection", "detr", ("person", "car"))
    assert looked(data, replace(job_of(data), family=same))[C.FAMILY][0] is PASSED


def test_the_side_file_has_to_be_about_this_file(looked):
    data = hostile.good()
    lines = looked(data, replace(job_of(data), side_file=job_of(hostile.not_a_number()).side_file))
    assert lines[C.SIDE_FILE][0] is FAILED
    assert looked(data, replace(job_of(data), side_file=""))[C.SIDE_FILE][0] is FAILED


UNKEPT = {
    "NUL in a class": {"classes": ("per\x00son", "car")},
    "half a character in a class": {"classes": ("person", "car\ud800")},
    "a class of two lines": {"classes": ("person\ncar", "truck")},
    "NUL in the licence": {"licence": "MIT\x00"},
    "NUL in the note": {"note": "two lines\nand\x00"},
    "NUL in the name of a figure": {"metrics": {"mAP\x00": 0.4}},
}


@pytest.mark.parametrize("facts", UNKEPT.values(), ids=list(UNKEPT))
def test_a_side_file_with_characters_that_no_database_keeps_is_refused_in_words(looked, facts):
    """PostgreSQL would refuse the answer, and the upload would be asked about again and again instead."""
    data = hostile.good()
    job = job_of(data)
    told = json.loads(job.side_file) | json.loads(json.dumps(facts))
    outcome, words = looked(data, replace(job, side_file=json.dumps(told)))[C.SIDE_FILE]
    assert (outcome, "control character" in words) == (FAILED, True), words


def test_a_note_of_several_lines_is_taken(looked):
    data = hostile.good()
    assert looked(data, job_of(data, note="measured at night,\n\tand by day"))[C.SIDE_FILE][0] is PASSED


def test_a_line_of_the_check_is_kept_whatever_it_quotes():
    heard = process._Heard()
    line = {
        "check": "operators",
        "outcome": "passed",
        "detail": "1 kinds: f\x00\ud800" + "x" * 900,
        "took_ms": 1,
    }
    process._hear(json.dumps({"line": line}).encode(), heard)
    assert heard.lines[0].detail.startswith("1 kinds: f?x")
    assert len(heard.lines[0].detail) == 600


def test_operators_outside_of_the_standard_are_refused():
    for node, words in (
        (helper.make_node("EPContext", [], ["x"], domain="com.microsoft"), "only operators of quantisation"),
        (helper.make_node("Run", [], ["x"], domain="evil.example"), "not the ONNX standard"),
        (helper.make_node("RandomNormal", [], ["x"], shape=[1]), "two answers"),
        (helper.make_node("Convx", [], ["x"]), "no such operator"),
    ):
        model = parse_checked(hostile.good(), "m")
        model.graph.node.append(node)
        with pytest.raises(EngineError, match=words):
            refuse_operators(model, "m")


@pytest.mark.parametrize("version", [1, 6, 99])
def test_a_version_of_the_standard_outside_of_the_range_is_refused(version, looked):
    model = parse_checked(hostile.good(), "m")
    model.opset_import[0].version = version
    assert looked(model.SerializeToString())[C.OPSET][0] is FAILED


def test_only_bytes_say_what_a_file_is():
    pickle = hostile.pickled(Path("/nowhere"))
    for start, words in ((pickle, "pickle"), (b"PK\x03\x04", "zip"), (bytes(600), "zeros"), (b"", "empty")):
        found = recognise(start[:START_BYTES])
        assert (found.artifact, words in found.looks_like) == ("", True)
    assert recognise(hostile.good()[:START_BYTES]).artifact == ONNX
    assert recognise(hostile.safetensors({"a": {}})).artifact == SAFETENSORS


TENSOR = {"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}


def _safe(looked, data: bytes):
    return looked(data, job_of(data, SAFETENSORS))


def test_sound_safetensors_pass_without_any_code(looked):
    data = hostile.safetensors(TENSOR | {"__metadata__": {"format": "pt"}}, bytes(16))
    lines = _safe(looked, data)
    assert {outcome for outcome, _words in lines.values()} == {PASSED}
    assert lines[C.HEADER][1] == "1 tensors, 4 numbers"


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (TENSOR, bytes(15)),
        (TENSOR, bytes(17)),
        ({"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 16]}}, bytes(16)),
        ({"w": {"dtype": "F32", "shape": [-2, -2], "data_offsets": [0, 16]}}, bytes(16)),
        ({"w": {"dtype": "OBJ", "shape": [2, 2], "data_offsets": [0, 16]}}, bytes(16)),
        ({"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [16, 0]}}, bytes(16)),
        ({"w": {"dtype": "U8", "shape": [2**61, 8], "data_offsets": [0, 16]}}, bytes(16)),
        (
            {**TENSOR, "v": {"dtype": "F32", "shape": [2, 2], "data_offsets": [8, 24]}},
            bytes(24),
        ),
        (
            {**TENSOR, "v": {"dtype": "F32", "shape": [1], "data_offsets": [20, 24]}},
            bytes(24),
        ),
        ({"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16], "run": "x"}}, bytes(16)),
        ({"__metadata__": {"a": 1}, **TENSOR}, bytes(16)),
        (b'{"w": 1, "w": 2}', b""),
        (b"{" * 5000, b""),
        (b"{}", b""),
    ],
)
def test_headers_that_lie_are_refused(header, data, looked):
    lines = _safe(looked, hostile.safetensors(header, data))
    assert lines[C.HEADER][0] is FAILED
    assert lines[C.NUMBERS][0] is SKIPPED


@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_weights_that_are_no_numbers_are_refused(dtype, looked):
    raw = np.array([np.nan], np.float32).tobytes() if dtype == "F32" else b"\xc0\x7f"
    header = {"w": {"dtype": dtype, "shape": [1], "data_offsets": [0, len(raw)]}}
    assert _safe(looked, hostile.safetensors(header, raw))[C.NUMBERS][0] is FAILED


PROBE = """
import json, os, pathlib, socket, sys
sys.path.insert(0, {root!r})
from inference_workers.engine.model_checks.sandbox import SandboxLimits, enter
places = (sys.prefix, sys.base_prefix, "/usr", "/lib")
layers = enter(SandboxLimits(4 << 30, 20), [pathlib.Path(place) for place in places])
def tried(action):
    try:
        action()
    except BaseException as error:
        return type(error).__name__
    return "done"
def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
def thread():
    import threading
    worker = threading.Thread(target=lambda: None)
    worker.start(); worker.join()
print(json.dumps({{"layers": layers,
    "socket": tried(lambda: socket.create_connection(("127.0.0.1", {port}), 2)),
    "unix": tried(lambda: socket.socket(socket.AF_UNIX)),
    "exec": tried(lambda: os.posix_spawn("/bin/true", ["true"], {{}})),
    "fork": tried(fork), "kill": tried(lambda: os.kill(os.getppid(), 0)), "thread": tried(thread),
    "write": tried(lambda: open({canary!r}, "w").write("x")),
    "grow": tried(lambda: open({present!r}, "r+b").write(b"x" * 9)),
    "read": tried(lambda: open({present!r}).read()),
    "memory": tried(lambda: bytearray(8 << 30)),
    "environment": dict(os.environ)}}))
"""


def test_what_the_walls_keep_out(tmp_path):
    """Each wall tried from inside. What a layer adds is asked only where this machine permits the layer."""
    present, canary = tmp_path / "present", tmp_path / "canary"
    present.write_text("secret")
    listener = socket.create_server(("127.0.0.1", 0))
    root = str(Path(__file__).resolve().parents[2])
    script = PROBE.format(root=root, port=listener.getsockname()[1], canary=str(canary), present=str(present))
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=process._environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    listener.close()
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    refused = {"PermissionError", "OSError", "MemoryError"}
    kinds = ("socket", "unix", "exec", "fork", "kill", "write", "grow", "memory")
    assert {kind: found[kind] for kind in kinds if found[kind] not in refused} == {}
    assert found["thread"] == "done"
    assert "system call filter" in found["layers"]
    if "file rules" in found["layers"]:
        assert found["read"] == "PermissionError"
    assert not canary.exists()
    assert present.read_text() == "secret"
    assert not [name for name in found["environment"] if "KEY" in name or "URL" in name]


def test_without_a_filter_of_calls_nothing_is_looked_into(kept, monkeypatch):
    data = hostile.good()
    real = process._hear
    monkeypatch.setattr(
        process, "_hear", lambda line, heard: real(line.replace(b', "system call filter"', b""), heard)
    )
    with pytest.raises(EngineError) as caught:
        check_file(kept(data), job_of(data))
    assert caught.value.code == "sandbox_missing"


def test_checks_leave_no_process_and_no_thread_behind(kept):
    before = threading.active_count()
    data = hostile.good()
    check_file(kept(data), job_of(data))
    assert threading.active_count() == before
    assert hashlib.sha256(data).hexdigest() == job_of(data).sha256
