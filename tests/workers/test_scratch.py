"""What a killed worker left behind: unredacted pictures among it."""

import os
import subprocess
import sys
from pathlib import Path

from inference_workers.tasks.scratch import EVALUATIONS, MODELS, leftovers_remove, own_folder


def _left(data_dir: Path, name: str) -> Path:
    picture = data_dir / "scratch" / name / "datasets" / "set" / "picture"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"a face")
    return picture


def test_a_worker_that_starts_removes_what_killed_ones_left_and_nobody_elses(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    gone = [_left(tmp_path, f"{EVALUATIONS}-{ended.pid}"), _left(tmp_path, f"{MODELS}-{ended.pid}")]
    earlier = _left(tmp_path, f"{EVALUATIONS}-{os.getpid()}")  # a container gives the same number every time
    alive = _left(tmp_path, f"{EVALUATIONS}-{os.getppid()}")
    film = _left(tmp_path, "redactions")  # kept between steps, and swept by its own desk
    assert len(leftovers_remove(tmp_path)) == 3
    assert not any(path.exists() for path in (*gone, earlier))
    assert alive.exists()
    assert film.exists()


def test_a_number_that_was_given_a_second_time_is_no_owner(tmp_path):
    left = _left(tmp_path, f"{EVALUATIONS}-{os.getppid()}")
    os.utime(tmp_path / "scratch" / f"{EVALUATIONS}-{os.getppid()}", (1e9, 1e9))  # long before that process
    assert len(leftovers_remove(tmp_path)) == 1
    assert not left.exists()


def test_its_folder_is_for_this_user_alone(tmp_path):
    own = own_folder(tmp_path, EVALUATIONS)
    assert own.is_dir()
    assert own.parent.stat().st_mode & 0o077 == 0
