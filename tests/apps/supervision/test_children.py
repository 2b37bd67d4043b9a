"""Children: they end with their parent, come back when they die, and stop in time."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from apps.core.supervision import health
from apps.core.supervision.backoff import DELAYS_S, HEALTHY_AFTER_S, Backoff
from apps.core.supervision.child import LOG_BYTES, Child
from apps.core.supervision.plan import ProcessSpec
from apps.core.supervision.status import Line, StatusBoard
from apps.core.supervision.supervisor import Supervisor, Watched
from tests.services import wait_until

pytestmark = pytest.mark.database_neutral
ROOT = Path(__file__).resolve().parents[3]
SLEEPS = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"
HAS_CHILD = (
    "import subprocess, sys; print('up', flush=True); "
    "subprocess.run([sys.executable, '-c', 'import time; time.sleep(61)'])"
)
PARENT = """
import os, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from apps.core.supervision.child import Child
from apps.core.supervision.plan import ProcessSpec
spec = ProcessSpec("toy", (sys.executable, "-c", "import time; time.sleep(60)"), dict(os.environ))
child = Child(spec, root=Path("."), log_dir=Path({log_dir!r}))
child.start()
print(child.pid, flush=True)
time.sleep(60)
"""


def make_child(folder: Path, program: str, name: str = "toy", **more: object) -> Child:
    spec = ProcessSpec(name, (sys.executable, "-c", program), dict(os.environ), **more)  # type: ignore[arg-type]
    return Child(spec, root=ROOT, log_dir=folder)


@pytest.fixture
def supervisor(tmp_path: Path, redis_url: str) -> Iterator[Supervisor]:
    children = [
        make_child(tmp_path, SLEEPS, "sleeper"),
        make_child(tmp_path, STUBBORN, "stubborn"),
        make_child(tmp_path, HAS_CHILD, "parent", last_to_stop=True),
    ]
    found = Supervisor(
        children,
        board=StatusBoard(io.StringIO(), in_place=False),
        redis_client=redis.Redis.from_url(redis_url),
        host="127.0.0.1",
        port=1,
    )
    found.start()
    for child in children:
        wait_until(lambda child=child: child.last_lines() == ["up"], timeout_s=10, what=child.spec.name)
    yield found
    for child in children:
        child.kill()


def run_for(supervisor: Supervisor, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    supervisor.on_tick.append(lambda: supervisor.stop_soon() if time.monotonic() > deadline else None)
    supervisor.run()
    supervisor.on_tick.clear()
    supervisor._stopping = False


def test_a_killed_child_is_back_within_a_second(supervisor: Supervisor) -> None:
    watched = supervisor._watched[0]
    before = watched.child.pid
    os.kill(before, signal.SIGKILL)
    run_for(supervisor, 1.2)
    assert watched.child.runs()
    assert watched.child.pid != before
    assert watched.restarts == 1


def test_stopping_leaves_nobody_behind_and_takes_less_than_ten_seconds(supervisor: Supervisor) -> None:
    pids = [watched.child.pid for watched in supervisor._watched]
    family = [child.pid for pid in pids for child in psutil.Process(pid).children(recursive=True)]
    assert family, "the parent's child is there"
    started = time.monotonic()
    supervisor.stop_all()
    assert time.monotonic() - started < 10
    # A killed process takes a moment to vanish; one that was not killed sleeps for a minute.
    wait_until(lambda: not any(map(_alive, (*pids, *family))), timeout_s=3, what="the end of all")


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = PARENT.format(root=str(ROOT), log_dir=str(tmp_path))
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not _alive(pid), timeout_s=5, what="the end of the orphan")


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_child_that_keeps_dying_is_started_ever_more_slowly() -> None:
    backoff = Backoff()
    waits = [backoff.died(0.1) for _ in range(len(DELAYS_S) + 1)]
    assert waits == [*DELAYS_S, DELAYS_S[-1]]
    assert waits[0] <= 1.0
    assert backoff.died(HEALTHY_AFTER_S) == DELAYS_S[0]


def test_a_long_log_is_copied_and_the_child_goes_on_writing(tmp_path: Path) -> None:
    child = make_child(tmp_path, "import time\nwhile True: print('tick', flush=True); time.sleep(0.05)")
    child.log_path.write_bytes(b"x" * (LOG_BYTES + 1))
    child.start()
    try:
        child.rotate_log()
        assert child.log_path.with_suffix(".log.1").stat().st_size >= LOG_BYTES
        wait_until(lambda: "tick" in child.last_lines(), timeout_s=5, what="the next line")
        assert child.log_path.stat().st_size < 10_000
    finally:
        child.kill()


@pytest.mark.parametrize(
    ("silence_s", "spoke", "silent"),
    [
        (1, True, False),
        (health.HEARTBEAT_MAX_AGE_S + 1, True, True),
        (health.HEARTBEAT_MAX_AGE_S + 1, False, False),  # still loading its models
        (health.STARTING_S + 1, False, True),
    ],
)
def test_silence_is_told_from_a_slow_start(silence_s: float, spoke: bool, silent: bool) -> None:
    assert health.is_silent(silence_s, spoke=spoke) is silent


def test_only_words_that_change_break_the_silence(tmp_path: Path) -> None:
    """A clock that is set and a Redis that was away are no reason to start everything again."""
    watched = Watched(make_child(tmp_path, SLEEPS, heartbeat="toy"))
    watched.child.started_at = time.monotonic() - 500
    assert watched.silence_s() > 499
    watched.listen({"toy": time.time() - 3600})
    assert watched.silence_s() < 1
    assert not watched.spoke(), "that was its predecessor"
    watched.listen({"toy": time.time()})
    assert watched.spoke()
    watched.heard_at -= 100
    watched.listen({"toy": watched.last_word_at})
    assert watched.silence_s() > 99
    watched.listen(None)
    assert watched.silence_s() < 1


def test_lines_are_printed_once_per_change() -> None:
    stream = io.StringIO()
    board = StatusBoard(stream, in_place=False)
    board.show([Line("web", "starting", "1 MB")])
    board.show([Line("web", "starting", "2 MB")])
    board.show([Line("web", "runs", "3 MB")])
    assert [line.split()[1:3] for line in stream.getvalue().splitlines()] == [
        ["web", "starting"],
        ["web", "runs"],
    ]


def test_a_terminal_gets_its_table_drawn_in_place() -> None:
    stream = io.StringIO()
    board = StatusBoard(stream, in_place=True)
    board.show([Line("web", "starting"), Line("gpu", "starting")])
    board.say("hello")
    board.show([Line("web", "runs"), Line("gpu", "starting")])
    assert stream.getvalue().count("\x1b[1A") == 2
    assert stream.getvalue().index("hello") < stream.getvalue().rindex("runs")
