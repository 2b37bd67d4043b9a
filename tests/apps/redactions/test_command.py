"""`manage.py redact IN OUT`: the film, the exit codes, Ctrl-C."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from apps.redactions.management.commands import redact
from tests.e2e.browser.films import walking_face
from tests.services import wait_until

pytestmark = [pytest.mark.database_neutral, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[3]


def _start(*words: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "redact", *map(str, words)],
        cwd=ROOT,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A suite in the background ignores it, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )


def _run(*words: object) -> tuple[int, str]:
    process = _start(*words)
    _out, error = process.communicate(timeout=240)
    return process.returncode, error.decode()


def test_a_film_is_redacted_and_what_cannot_be_is_said(tmp_path):
    (tmp_path / "in.mp4").write_bytes(walking_face(2.0))
    (tmp_path / "bad.mp4").write_bytes(b"no film at all")
    code, error = _run(tmp_path / "in.mp4", tmp_path / "out.mp4", "--report", tmp_path / "report.json")
    assert (code, "frames with covers" in error) == (0, True), error
    assert (tmp_path / "out.mp4").stat().st_size > 1000
    assert (tmp_path / "report.json").exists()
    code, error = _run(tmp_path / "bad.mp4", tmp_path / "x.mp4")
    assert code == 1, error
    assert "Traceback" not in error
    assert len(error.split()) > 4
    assert not (tmp_path / "x.mp4").exists()


def test_the_child_knows_no_secret_of_the_control_plane(monkeypatch):
    secrets = ("SECRET_KEY", "DATABASE_URL", "PGPASSWORD", "REDIS_URL", "CELERY_BROKER_URL", "METRICS_TOKEN",
               "VIDETTE_FIELD_KEY", "VIDETTE_RECORD_KEY", "VIDETTE_MASTER_KEY")  # fmt: skip
    for name in secrets:
        monkeypatch.setenv(name, "planted")
    assert "planted" not in redact._environment().values()


def test_wrong_words_are_explained():
    code, error = _run("one-file-only.mp4")
    assert (code, "usage:" in error) == (2, True)


def test_ctrl_c_ends_the_child_too(tmp_path):
    (tmp_path / "in.mp4").write_bytes(walking_face(20.0))
    process = _start(tmp_path / "in.mp4", tmp_path / "out.mp4", "--progress", "json")
    assert process.stdout is not None
    process.stdout.readline()  # it works
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    wait_until(lambda: not any(child.is_running() for child in children), timeout_s=20, what="the children")
    assert not (tmp_path / "out.mp4").exists()
