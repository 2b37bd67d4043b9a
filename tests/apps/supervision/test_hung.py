"""A control worker and a clock that hang are started again, as those that die are."""

import io
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from apps.core.supervision import health
from apps.core.supervision.child import Child
from apps.core.supervision.plan import ProcessSpec
from apps.core.supervision.status import StatusBoard
from apps.core.supervision.supervisor import Supervisor, Watched
from tests.services import wait_until

pytestmark = [pytest.mark.database_neutral, pytest.mark.timeout(240)]
ROOT = Path(__file__).resolve().parents[3]
CELERY = (sys.executable, "-m", "celery", "-A", "webapp.celery")
PATIENCE_S = 100.0


@pytest.fixture
def watched(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Supervisor, list[Watched], io.StringIO]]:
    """Both as in the product, on a database of their own: it is empty, so that no tick of theirs matters."""
    monkeypatch.setattr(health, "QUIET_AFTER_S", 3.0)
    monkeypatch.setattr(health, "HEARTBEAT_MAX_AGE_S", 10.0)
    monkeypatch.setattr(health, "STARTING_S", PATIENCE_S)
    variables = os.environ | {
        "VIDETTE_DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite://{tmp_path / 'empty.sqlite3'}",
        "REDIS_URL": redis_url,
    }
    (tmp_path / "run").mkdir()
    worker = (*CELERY, "worker", "-Q", "control", "-n", "control@%h", "--pool", "threads", "--concurrency=2")
    specs = [
        ProcessSpec("control", worker, variables, "control"),
        ProcessSpec("beat", (*CELERY, "beat", "--pidfile="), variables, "beat"),
    ]
    written = io.StringIO()
    client = redis.Redis.from_url(redis_url)
    supervisor = Supervisor(
        [Child(spec, root=ROOT, log_dir=tmp_path) for spec in specs],
        board=StatusBoard(written, in_place=False),
        redis_client=client,
        host="127.0.0.1",
        port=1,
    )
    supervisor.start()
    yield supervisor, supervisor._watched, written
    for each in supervisor._watched:
        each.child.kill()
    client.flushall()
    client.close()


def turn_until(supervisor: Supervisor, ready, what: str) -> None:
    def turn() -> bool:
        supervisor._tick(time.monotonic())
        return ready()

    wait_until(turn, timeout_s=PATIENCE_S, what=what)


def test_a_frozen_control_worker_and_clock_are_started_again(watched) -> None:
    supervisor, children, written = watched
    turn_until(supervisor, lambda: all(each.well for each in children), "the first heartbeats")
    frozen = {each.name: each.child.pid for each in children}
    for pid in frozen.values():
        os.kill(pid, signal.SIGSTOP)
    turn_until(supervisor, lambda: all(each.restarts for each in children), "the restarts")
    turn_until(supervisor, lambda: all(each.well for each in children), "the heartbeats of the new ones")

    assert not any(psutil.pid_exists(pid) for pid in frozen.values())
    for name in frozen:
        lines = written.getvalue().splitlines()
        states = [line.split()[2] for line in lines if line.split()[1:2] == [name]]
        assert states[:2] == ["starting", "runs"]
        assert states[states.index("restarting") - 1] == "silent"
        assert states[-1] == "runs"
        assert f"{name} runs but does not answer; it is started again." in lines
