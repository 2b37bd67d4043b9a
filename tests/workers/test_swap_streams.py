"""Eight running cameras change their version, and run another one silently: real rings, real graphs."""

import time
from pathlib import Path

import pytest

from inference_workers.contracts.codec import encode
from inference_workers.contracts.comparison import Role, VersionWindow
from inference_workers.contracts.frames import AnalyseBatch
from inference_workers.contracts.lease import Lease, ModelRef, Stage
from inference_workers.contracts.results import CameraStatus, TrackResult
from inference_workers.tasks.loaded import LoadedModels
from tests.workers.stream_parts import OwnWorker, Plane, make_lease, running_streams, wait_for
from tests.workers.test_analyse import analyser
from tests.workers.test_swap import NEW, OLD, SlowDirectory

CAMERAS = tuple(f"cam-{number}" for number in range(8))
FLIPS_WITHIN_S = 10.0
# What a swap could cost. A machine with too much to do loses frames for other reasons, swap or not.
OF_THE_SWAP = {"model_mismatch", "model_loading", "analysis_error", "worker_timeout", "stopped"}


class RealWorker(OwnWorker):
    """A worker with real models in a thread of the test; nothing of it knows about swaps."""

    def __init__(self, redis_url: str, folder: Path, directory: SlowDirectory) -> None:
        super().__init__(redis_url, folder / "shm")
        self.models = LoadedModels(directory)
        self._analyser = analyser(folder / "shm", self.models, clock=time.time)

    def _work(self, batch: AnalyseBatch) -> None:
        self.batches.append(batch)
        reply = self._analyser.analyse(batch)
        if reply is not None:
            self._client.rpush(batch.reply_to, encode(reply))


def lease(camera_id: str, model: ModelRef, **changes: object) -> Lease:
    return make_lease(
        camera_id,
        stages=(Stage.MOTION, Stage.DETECT),
        models={"detect": model},
        analysis_fps=2.0,
        window_s=1.0,
        **changes,
    )


@pytest.fixture
def running(redis_url: str, tmp_path: Path):
    directory = SlowDirectory(tmp_path, slow="new")
    with running_streams(redis_url, tmp_path, VIDETTE_ANALYSE_DEADLINE_S="5") as plane:
        worker = RealWorker(redis_url, tmp_path, directory)
        worker.start()
        yield plane, worker, directory
        directory.go.set()
        worker.stop()


def issue(plane: Plane, model: ModelRef, **changes: object) -> None:
    for camera_id in CAMERAS:
        plane.issue(lease(camera_id, model, **changes))


def all_serve(plane: Plane, model: ModelRef) -> bool:
    found = [plane.status(camera_id) for camera_id in CAMERAS]
    return all(status is not None and status.served.get("detect") == model.sha256 for status in found)


def windows(plane: Plane, role: Role, model: ModelRef) -> list[VersionWindow]:
    found = plane.messages(VersionWindow)
    return [window for window in found if (window.role, window.sha256) == (role, model.sha256)]


def cameras_of(messages: list[VersionWindow]) -> set[str]:
    return {message.camera_id for message in messages}


def test_eight_cameras_change_their_version_and_lose_nothing_by_it(running) -> None:
    plane, worker, directory = running
    issue(plane, OLD)
    wait_for(lambda: all_serve(plane, OLD), 30, lambda: str(plane.messages(CameraStatus)[-8:]))
    wait_for(lambda: all(plane.account(c).epoch for c in CAMERAS), 15, lambda: "no account yet")
    epochs = {camera_id: plane.account(camera_id).epoch for camera_id in CAMERAS}
    issue(plane, NEW)
    waits = {c: lambda c=c: (plane.status(c) or CameraStatus("", "", 0, "starting")).waiting for c in CAMERAS}
    wait_for(lambda: all(w() == {"detect": "loading"} for w in waits.values()), 15, lambda: "nobody waits")
    before = {camera_id: plane.account(camera_id).analysed for camera_id in CAMERAS}
    wait_for(
        lambda: all(plane.account(c).analysed > before[c] + 1 for c in CAMERAS), 20, lambda: "stands still"
    )
    assert all_serve(plane, OLD)
    directory.go.set()
    flipped_after_s = wait_for(lambda: all_serve(plane, NEW), FLIPS_WITHIN_S, lambda: str(waits))
    assert flipped_after_s < FLIPS_WITHIN_S
    assert all(wait() == {} for wait in waits.values())
    accounts = [plane.account(camera_id) for camera_id in CAMERAS]
    assert all(account.balances() for account in accounts)
    assert {account.camera_id: account.epoch for account in accounts} == epochs
    assert set().union(*(account.lost for account in accounts)) & OF_THE_SWAP == set()
    wait_for(lambda: not worker.models.has(OLD), 15, lambda: "the old version stays in memory")
    wait_for(lambda: cameras_of(windows(plane, Role.SERVING, NEW)) == set(CAMERAS), 15, lambda: "no windows")
    assert sum(window.errors for window in plane.messages(VersionWindow)) == 0
    shas = {message.model.sha256 for message in plane.messages(TrackResult) if message.label == "person"}
    assert shas <= {OLD.sha256, NEW.sha256}


def test_a_shadow_sees_the_same_frames_and_is_never_published(running) -> None:
    plane, worker, directory = running
    directory.go.set()
    issue(plane, OLD, shadows={"detect": NEW})
    wait_for(lambda: cameras_of(windows(plane, Role.SHADOW, NEW)) == set(CAMERAS), 30, lambda: "no windows")
    told = windows(plane, Role.SHADOW, NEW)
    assert {window.beside.sha256 for window in told} == {OLD.sha256}
    assert all(window.beside.seen.frames == window.seen.frames for window in told)
    assert sum(window.beside.only_base for window in told) == sum(w.seen.frames for w in told)  # other boxes
    assert all_serve(plane, OLD)
    published = [message for message in plane.messages(TrackResult) if message.label != "motion"]
    assert {message.model.sha256 for message in published} <= {OLD.sha256}
    assert all(plane.account(camera_id).balances() for camera_id in CAMERAS)
    asked = {(item.frame.camera_id, item.frame.seq): b.shadow for b in worker.batches for item in b.items}
    assert any(asked.values())
    issue(plane, OLD, revision=2)
    count = len(worker.batches)
    wait_for(lambda: len(worker.batches) > count + 10, 20, lambda: "stands still")
    assert not any(batch.shadow for batch in worker.batches[-8:])


def test_a_shadow_is_read_from_the_ring_of_the_frame_that_is_served(running) -> None:
    plane, worker, directory = running
    directory.go.set()
    plane.issue(lease("cam-0", OLD, shadows={"detect": NEW}))
    wait_for(lambda: sum(b.shadow for b in worker.batches) > 3, 20, lambda: "no shadow")
    frames = {False: set(), True: set()}
    for batch in list(worker.batches):
        frames[batch.shadow] |= {(item.frame.seq, item.frame.slot) for item in batch.items}
    assert frames[True] <= frames[False]
