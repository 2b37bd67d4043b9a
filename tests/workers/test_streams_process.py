"""`python -m inference_workers.streams` as a process of its own: SIGTERM, kill -9, no secret in sight."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from inference_workers.contracts.codec import encode
from inference_workers.contracts.names import HEARTBEATS, LEASES
from tests.workers.stream_parts import LEASE_KEY, make_lease, wait_for

ROOT = Path(__file__).parents[2]


@contextmanager
def streams_process(redis_url: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    (folder / "shm").mkdir(exist_ok=True)
    environment = os.environ | {
        "REDIS_URL": redis_url,
        "VIDETTE_DATA_DIR": str(folder),
        "VIDETTE_SHM_DIR": str(folder / "shm"),
        "OBJECT_STORE_URL": (folder / "objects").as_uri(),
        "VIDETTE_LEASE_KEY": LEASE_KEY,
    }
    process = subprocess.Popen([sys.executable, "-m", "inference_workers.streams"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def rings(folder: Path) -> list[Path]:
    return list((folder / "shm").glob("vidette-*"))


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_sigterm_stops_everything_cleanly(redis_url: str, tmp_path: Path) -> None:
    with redis.Redis.from_url(redis_url) as client, streams_process(redis_url, tmp_path) as process:
        client.hset(LEASES, "cam-a", encode(make_lease()))
        wait_for(lambda: len(rings(tmp_path)) == 1, 15, lambda: "no ring")
        wait_for(lambda: client.hexists(HEARTBEATS, "streams"), 5, lambda: "no heartbeat")
        decoders = children(process.pid)
        assert decoders
        process.send_signal(signal.SIGTERM)
        assert process.wait(8) == 0
        assert rings(tmp_path) == []
        wait_for(lambda: not any(map(is_running, decoders)), 3, lambda: "a decoder lives on")


def test_after_a_kill_no_decoder_lives_on_and_the_next_start_cleans_up(
    redis_url: str, tmp_path: Path
) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.hset(LEASES, "cam-a", encode(make_lease()))
        with streams_process(redis_url, tmp_path) as process:
            wait_for(lambda: len(rings(tmp_path)) == 1, 15, lambda: "no ring")
            left_over = rings(tmp_path)
            decoders = children(process.pid)
            process.kill()
            process.wait()
            wait_for(lambda: not any(map(is_running, decoders)), 3, lambda: "a decoder lives on")
        assert rings(tmp_path) == left_over
        with streams_process(redis_url, tmp_path):
            wait_for(
                lambda: len(rings(tmp_path)) == 1 and rings(tmp_path) != left_over, 15, lambda: "no new ring"
            )


def test_a_decoder_knows_no_secret_of_its_parent(redis_url: str, tmp_path: Path) -> None:
    with redis.Redis.from_url(redis_url) as client, streams_process(redis_url, tmp_path) as process:
        client.hset(LEASES, "cam-a", encode(make_lease()))
        wait_for(lambda: len(rings(tmp_path)) == 1, 15, lambda: "no ring")
        (decoder,) = children(process.pid)
        environment = Path(f"/proc/{decoder}/environ").read_bytes()
        assert LEASE_KEY.encode() not in environment
        assert b"REDIS_URL" not in environment
        assert Path(f"/proc/{decoder}/cmdline").read_bytes().count(b"\0") == 3
