"""Before the processes start: one start per folder, a free port, a private Redis, remembered folders."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
import redis
from django.conf import settings

from apps.core.supervision import prepare
from apps.core.supervision.child import Child
from apps.core.supervision.embedded_redis import FolderNotPrivate, redis_process
from apps.core.supervision.greeting import greeting
from apps.core.supervision.lock import AlreadyRunning, PortTaken, check_port, take_lock
from apps.core.supervision.plan import Installation
from tests.services import wait_until
from webapp.settings.env import LONGEST_SOCKET_PATH, embedded_redis_socket

pytestmark = pytest.mark.database_neutral
PASSWORD = "canary-password-of-redis"


def test_a_second_start_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "run" / "up.lock"
    held = take_lock(path)
    with pytest.raises(AlreadyRunning, match=rf"already runs .*process {os.getpid()}.*Ctrl-C"):
        take_lock(path, patience_s=0.3)
    os.close(held)
    os.close(take_lock(path, patience_s=0.3))


def test_the_lock_is_held_until_the_last_child_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "run" / "up.lock"
    held = take_lock(path)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=(held,))
    os.close(held)
    try:
        with pytest.raises(AlreadyRunning):
            take_lock(path, patience_s=0.3)
    finally:
        child.kill()
        child.wait()
    os.close(take_lock(path, patience_s=2))


def test_a_taken_port_names_who_has_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"Port {port} is taken by .*\({os.getpid()}\).*PORT={port + 1}"):
            check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Child]:
    for name in ("run", "log"):
        (tmp_path / name).mkdir()
    spec = redis_process(
        socket=embedded_redis_socket(tmp_path), password=PASSWORD, data_dir=tmp_path, variables=os.environ
    )
    child = Child(spec, root=tmp_path, log_dir=tmp_path / "log")
    child.start()
    yield child
    child.kill()


def client(tmp_path: Path, password: str = PASSWORD) -> redis.Redis:
    return redis.Redis.from_url(f"unix://:{quote(password)}@{embedded_redis_socket(tmp_path)}")


def test_the_embedded_redis_is_private(tmp_path: Path, embedded: Child) -> None:
    prepare.wait_for_redis(client(tmp_path), embedded.runs)
    with pytest.raises(redis.AuthenticationError), client(tmp_path, "guess") as stranger:
        stranger.ping()
    assert embedded_redis_socket(tmp_path).stat().st_mode & 0o077 == 0
    assert PASSWORD not in " ".join(psutil.Process(embedded.pid).cmdline())
    assert [c for c in psutil.Process(embedded.pid).net_connections("inet") if c.status == "LISTEN"] == []


def test_a_wrong_password_is_said_in_words(tmp_path: Path, embedded: Child) -> None:
    prepare.wait_for_redis(client(tmp_path), embedded.runs)
    with pytest.raises(prepare.PreparationFailed, match="refuses the password"):
        prepare.wait_for_redis(client(tmp_path, "guess"), embedded.runs)


def test_what_redis_held_survives_its_death(tmp_path: Path, embedded: Child) -> None:
    with client(tmp_path) as before:
        prepare.wait_for_redis(before, embedded.runs)
        before.hset("vidette:leases", "camera", "lease")
        wait_until(lambda: b"lease" in _append_only(tmp_path), timeout_s=5, what="the log on disk")
    embedded.kill()
    embedded.start()
    with client(tmp_path) as after:
        prepare.wait_for_redis(after, embedded.runs)
        assert after.hget("vidette:leases", "camera") == b"lease"


def _append_only(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in (folder / "redis").rglob("*") if path.is_file())


def test_a_deep_folder_gets_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    socket_path = embedded_redis_socket(deep)
    assert len(str(socket_path)) <= LONGEST_SOCKET_PATH
    assert socket_path == embedded_redis_socket(deep)
    assert socket_path != embedded_redis_socket(tmp_path / ("e" * 120))


def test_a_socket_folder_that_is_no_folder_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "link").symlink_to(elsewhere)
    with pytest.raises(FolderNotPrivate):
        redis_process(
            socket=tmp_path / "link" / "redis.sock", password=PASSWORD, data_dir=tmp_path, variables={}
        )


def test_folders_of_clips_are_remembered(tmp_path: Path) -> None:
    prepare.make_folders(tmp_path)
    clips = tmp_path / "clips"
    clips.mkdir()
    own = tmp_path / "mine" / "yard.mp4"
    own.parent.mkdir()
    own.touch()
    prepare.media_roots(tmp_path, prepare.Wishes(demo=clips))
    roots = prepare.media_roots(tmp_path, prepare.Wishes(source=str(own)))
    assert roots == (tmp_path / "demo", clips, own.parent)
    assert prepare.media_roots(tmp_path, prepare.Wishes(source="rtsp://camera.example/1")) == roots


def test_static_files_are_collected_when_one_changed(
    tmp_path: Path, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare.make_folders(tmp_path)
    calls: list[str] = []
    monkeypatch.setattr(prepare, "call_command", lambda name, **options: calls.append(name))
    settings.STATIC_ROOT = str(tmp_path / "staticfiles")  # type: ignore[attr-defined]
    (tmp_path / "staticfiles").mkdir()
    assert prepare.collect_static(tmp_path) is True
    assert prepare.collect_static(tmp_path) is False
    monkeypatch.setattr(prepare, "_static_fingerprint", lambda: "another")
    assert prepare.collect_static(tmp_path) is True
    assert calls == ["collectstatic", "collectstatic"]


def test_footage_that_cannot_be_drawn_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare.make_folders(tmp_path)
    failing = (sys.executable, "-c", "import sys; print('no fonts'); sys.exit(3)")
    monkeypatch.setattr(prepare, "module_arguments", lambda *arguments: failing)
    installation = Installation(tmp_path, tmp_path, 1, "", "", "", "", tmp_path)
    with pytest.raises(prepare.PreparationFailed, match=r"demo\.log says why"):
        prepare.draw_footage(os.environ, installation)
    assert "no fonts" in (tmp_path / "log" / "demo.log").read_text()


def test_an_interrupted_drawing_leaves_nobody_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare.make_folders(tmp_path)
    helper = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(62)'])"
    monkeypatch.setattr(prepare, "module_arguments", lambda *arguments: (sys.executable, "-c", helper))
    family: list[psutil.Process] = []

    def interrupt(_seconds: float) -> None:
        family[:] = psutil.Process().children(recursive=True)
        if any("sleep(62)" in process.cmdline()[-1] for process in family if process.cmdline()):
            raise KeyboardInterrupt

    monkeypatch.setattr(prepare.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        prepare.draw_footage(os.environ, Installation(tmp_path, tmp_path, 1, "", "", "", "", tmp_path))
    monkeypatch.undo()
    helpers = [process for process in family if _is_helper(process)]
    wait_until(
        lambda: not any(_is_helper(process) for process in helpers), timeout_s=3, what="the end of all"
    )


def _is_helper(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and "sleep(62)" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def test_the_greeting_says_where_and_with_which_account(tmp_path: Path) -> None:
    accounts = tmp_path / "demo_accounts.json"
    accounts.write_text('[{"username": "alice", "password": "pass-word-1", "role": "operator"}]')
    text = greeting(host="0.0.0.0", port=8001, accounts_path=accounts, log_dir=tmp_path)
    assert "http://127.0.0.1:8001/" in text
    assert "alice" in text
    assert "pass-word-1" in text


def test_an_address_that_is_not_this_machines_is_named() -> None:
    with pytest.raises(PortTaken, match=r"VIDETTE_BIND.*192.0.2.77"):
        check_port("192.0.2.77", 8000)


def test_nonsense_for_the_data_plane_stops_the_start(tmp_path: Path) -> None:
    redis_url, key = "unix:///tmp/none.sock", "k"
    objects = tmp_path.as_uri()
    installation = Installation(
        settings.BASE_DIR, tmp_path, 1, redis_url, redis_url, objects, key, tmp_path, (tmp_path,)
    )
    prepare.check_data_plane({"PATH": os.environ["PATH"]}, installation)
    with pytest.raises(prepare.PreparationFailed, match=r"^VIDETTE_BATCH_SIZE: expected a whole number"):
        prepare.check_data_plane({"PATH": os.environ["PATH"], "VIDETTE_BATCH_SIZE": "x"}, installation)


@pytest.mark.parametrize("variable", ["PORT=abc", "DATABASE_URL=mysql://x"])
def test_a_refused_setting_is_a_sentence_and_no_trace(variable: str, tmp_path: Path) -> None:
    name, value = variable.split("=", 1)
    environment = {"PATH": os.environ["PATH"], "VIDETTE_DATA_DIR": str(tmp_path), name: value}
    done = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"vidette: {name}: expected")
    assert len(done.stderr.splitlines()) == 1


def test_footage_that_was_drawn_is_known_again(tmp_path):
    from inference_workers.demo.film import MANIFEST

    assert not prepare.has_footage(tmp_path)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / MANIFEST).write_text("{}")
    assert prepare.has_footage(tmp_path)
