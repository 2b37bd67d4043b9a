"""Redaction at the worker and at the terminal: a step is done once, whatever is killed in between."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from inference_workers import redact as terminal
from inference_workers.contracts import redactions as keys
from inference_workers.contracts.lease import ModelRef
from inference_workers.contracts.redactions import (
    RedactionJob,
    RedactionKind,
    RedactionReply,
    RedactionStep,
)
from inference_workers.engine.builtin_models import CENTERFACE_SHA256
from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.folder import WorkFolder
from inference_workers.engine.films.process import FilmProcess
from inference_workers.objects import Objects
from inference_workers.tasks.counters import Counters
from inference_workers.tasks.redact_desk import FilmDesk
from inference_workers.tasks.redact_files import KEEP_S, StepFiles, scratch_folder
from tests.engine.film_parts import frames_of, write_film

ROOT = Path(__file__).resolve().parents[2]
CENTERFACE = ModelRef("v1", "centerface", "centerface", CENTERFACE_SHA256)
COMMAND = [sys.executable, "-m", "inference_workers.redact"]


def environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "VIDETTE_DATA_DIR": str(folder / "data"),
        "VIDETTE_MODEL_DIR": str(folder / "models"),
        "OMP_NUM_THREADS": "1",
    }


class Desk:
    """A worker's desk with an object store in a folder; replies are kept in a list."""

    def __init__(self, folder: Path, at_once: int = 1) -> None:
        self.objects = Objects((folder / "objects").as_uri())
        self.files = StepFiles(self.objects, scratch_folder(folder / "data"))
        self.replies: list[RedactionReply] = []
        self.told = threading.Condition()
        self.desk = FilmDesk(self.files, Counters(), self._tell, environment(folder), at_once)
        self.job = RedactionJob("job-1", (CENTERFACE,))

    def _tell(self, reply: RedactionReply) -> None:
        with self.told:
            self.replies.append(reply)
            self.told.notify_all()

    def step(self, kind: RedactionKind, **changes: object) -> RedactionStep:
        return RedactionStep(self.job, kind, 1, time.time() + 60, **changes)

    def do(self, kind: RedactionKind, **changes: object) -> RedactionReply:
        before = len(self.replies)
        self.desk.take(self.step(kind, **changes))
        with self.told:
            assert self.told.wait_for(lambda: len(self.replies) > before, timeout=60)
        return self.replies[-1]


@pytest.fixture
def desk(tmp_path: Path):
    made = Desk(tmp_path)
    yield made
    made.desk.stop()


def test_a_film_goes_through_the_desk(desk, tmp_path) -> None:
    film = write_film(tmp_path / "walk.mp4", 24)
    desk.objects.put_file(keys.input_key("job-1"), film)
    facts = desk.do(RedactionKind.PROBE).film
    assert facts is not None
    count = len(facts.segment_frames)
    for i in range(count):
        assert desk.do(RedactionKind.ANALYSE, segment=i).frames == facts.segment_frames[i]
    covers = desk.do(RedactionKind.STITCH).covers
    for i, name in enumerate(covers):
        assert desk.do(RedactionKind.RENDER, segment=i, covers=(name,)).covers == (name,)
    again = desk.do(RedactionKind.RENDER, segment=0, covers=covers[:1])
    first = next(reply for reply in desk.replies if reply.kind is RedactionKind.RENDER)
    assert replace(again, duration_ms=0) == replace(first, duration_ms=0)
    reply = desk.do(RedactionKind.MUX, covers=covers)
    assert reply.summary is not None
    assert reply.summary.frames == 24
    assert [found.error for found in desk.replies if found.error] == []
    desk.objects.get_file(reply.output_key, tmp_path / "result.mp4")
    assert len(frames_of(tmp_path / "result.mp4")) == 24
    assert not desk.files.folder.path("redactions/job-1").exists()


def test_a_step_whose_input_is_gone_says_so(desk) -> None:
    reply = desk.do(RedactionKind.PROBE)
    assert (reply.error_code, reply.transient) == ("object_missing", False)


def test_a_desk_that_is_full_says_so_at_once(desk) -> None:
    steps = [desk.step(RedactionKind.PROBE, revision=i) for i in range(8)]
    for step in steps:
        desk.desk.take(step)
    assert {"worker_busy"} <= {reply.error_code for reply in desk.replies}
    assert all(reply.transient for reply in desk.replies if reply.error_code == "worker_busy")


def test_the_uploads_of_forgotten_jobs_leave_the_disk(desk, tmp_path) -> None:
    desk.objects.put(keys.input_key("job-1"), b"face")
    desk.files.fetch(desk.step(RedactionKind.PROBE))
    place = desk.files.folder.path(keys.input_key("job-1"))
    assert place.read_bytes() == b"face"
    assert desk.files.sweep(time.time()) == []
    assert desk.files.sweep(time.time() + KEEP_S + 60) == ["job-1"]
    assert not place.exists()


def test_a_child_that_is_killed_takes_only_its_step_along(tmp_path) -> None:
    film = write_film(tmp_path / "walk.mp4", 12)
    folder = WorkFolder(tmp_path / "work")
    place = folder.path(keys.input_key("job-1"))
    place.parent.mkdir(parents=True)
    place.write_bytes(film.read_bytes())
    process = FilmProcess(folder.root, environment(tmp_path))
    step = RedactionStep(RedactionJob("job-1", (CENTERFACE,)), RedactionKind.PROBE, 1, time.time() + 60)
    process.start()
    child = process._child
    assert child is not None
    os.kill(child.pid, signal.SIGSTOP)  # it dies with the step in its hands, not before it got one
    killer = threading.Timer(0.5, os.kill, (child.pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(EngineError, match="died") as caught:
        process.run(step)
    killer.join()
    assert caught.value.transient
    assert process.run(step).film is not None
    process.close()


def test_a_step_past_its_deadline_is_ended(tmp_path) -> None:
    process = FilmProcess(tmp_path, environment(tmp_path))
    step = RedactionStep(RedactionJob("job-1", (CENTERFACE,)), RedactionKind.PROBE, 1, time.time() + 0.05)
    with pytest.raises(EngineError, match="longer than its deadline"):
        process.run(step)
    assert process._child is None


def test_the_child_knows_no_secrets(tmp_path) -> None:
    secrets = {"VIDETTE_LEASE_KEY": "k", "REDIS_URL": "redis://:p@h", "AWS_SECRET_ACCESS_KEY": "s"}
    process = FilmProcess(tmp_path, environment(tmp_path) | secrets)
    process.start()
    child = process._child
    assert child is not None
    known, until = b"", time.monotonic() + 10
    while b"VIDETTE_DATA_DIR" not in known and time.monotonic() < until:
        known = Path(f"/proc/{child.pid}/environ").read_bytes()  # empty until the program is loaded
    process.close()
    assert b"VIDETTE_DATA_DIR" in known
    assert not any(value.encode() in known.split(b"\0") for value in ("REDIS_URL=redis://:p@h",))
    assert b"AWS_SECRET" not in known


def command(folder: Path, source: Path, target: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, str(source), str(target), "--progress", "json", "--workers", "1", *words],
        cwd=ROOT, env=environment(folder), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip


@pytest.mark.timeout(110)
def test_killed_at_random_it_ends_with_the_same_bytes(tmp_path) -> None:
    film = write_film(tmp_path / "walk.mp4", 40)
    calm, hunted = tmp_path / "calm.mp4", tmp_path / "hunted.mp4"
    assert terminal.redact_file(film, calm)["frames"]["decoded"] == 40
    dice = random.Random(3)
    seen: list[dict[str, object]] = []
    for _ in range(4):
        process = command(tmp_path, film, hunted)
        time.sleep(dice.uniform(1.0, 3.0))
        os.killpg(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
        seen += [json.loads(line) for line in out.splitlines()]
    process = command(tmp_path, film, hunted, "--report", str(tmp_path / "report.json"))
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert hunted.read_bytes() == calm.read_bytes()
    assert json.loads((tmp_path / "report.json").read_text())["frames"]["decoded"] == 40
    assert not (tmp_path / "hunted.mp4.redaction").exists()


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "out.mp4", "0 bytes"),
        (b"hello" * 100, "out.mp4", "something else"),
        (None, "out.mp4", "expected a file"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, capsys, content, name, words) -> None:
    source = tmp_path / "in.mp4"
    if content is not None:
        source.write_bytes(content)
    words_of_command = [str(source), str(tmp_path / name), "--progress", "none", "--workers", "1"]
    assert terminal.main(words_of_command) == 1
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == ([source] if source.exists() else [])


def test_a_name_that_does_not_fit_the_result_is_refused(tmp_path, capsys) -> None:
    film = write_film(tmp_path / "walk.mp4", 2)
    assert terminal.main([str(film), str(tmp_path / "out.jpg"), "--progress", "none"]) == 1
    assert "ending in .mp4" in capsys.readouterr().err
