"""Parts for tests of the streams process: leases, a supervisor in a thread, a GPU worker of our own."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import redis
from cryptography.fernet import Fernet

from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.environment import Environment
from inference_workers.contracts.frames import AnalyseBatch, BatchReply, Found, ItemResult
from inference_workers.contracts.lease import Lease, ModelRef, Source, SourceKind, Stage
from inference_workers.contracts.names import LEASES, LEASES_CHANGED, QUEUE_GPU, RESULTS
from inference_workers.contracts.results import Account, CameraState, CameraStatus
from inference_workers.engine.errors import EngineError
from inference_workers.engine.ring import FrameRing
from inference_workers.settings import WorkerSettings, read
from inference_workers.streams.supervisor import Supervisor

LEASE_KEY = Fernet.generate_key().decode()
LOOPBACK = ("127.0.0.0/8",)
FACE_MODEL = ModelRef("faces-1", "centerface", "centerface", "a" * 64)
OBJECT_MODEL = ModelRef("objects-1", "yolox-nano", "yolox", "b" * 64)
SYNTHETIC = Source(SourceKind.SYNTHETIC, "clock")


def make_lease(camera_id: str = "cam-a", source: Source = SYNTHETIC, **changes: object) -> Lease:
    now = time.time()
    lease = Lease(
        lease_id=f"lease-{camera_id}",
        camera_id=camera_id,
        camera_name="Lobby",
        time_zone="UTC",
        issued_at=now,
        valid_until=now + 60,
        revision=1,
        source=source,
        stages=(Stage.VIEW, Stage.MOTION, Stage.FACES, Stage.DETECT),
        models={"faces": FACE_MODEL, "detect": OBJECT_MODEL},
    )
    return replace(lease, **changes)


def seal(username: str, password: str) -> str:
    text = json.dumps({"username": username, "password": password})
    return Fernet(LEASE_KEY).encrypt(text.encode()).decode()


def settings_for(redis_url: str, folder: Path, **variables: str) -> WorkerSettings:
    shm = folder / "shm"
    shm.mkdir(exist_ok=True)
    return read(
        Environment(
            {
                "REDIS_URL": redis_url,
                "VIDETTE_DATA_DIR": str(folder),
                "VIDETTE_SHM_DIR": str(shm),
                "VIDETTE_MEDIA_ROOTS": str(folder),
                "OBJECT_STORE_URL": (folder / "objects").as_uri(),
                "VIDETTE_LEASE_KEY": LEASE_KEY,
            }
            | variables
        )
    )


class Plane:
    """The control plane's side of Redis."""

    def __init__(self, client: redis.Redis, supervisor: Supervisor, settings: WorkerSettings) -> None:
        self.client = client
        self.supervisor = supervisor
        self.settings = settings

    def issue(self, lease: Lease) -> None:
        self.client.hset(LEASES, lease.camera_id, encode(lease))
        self.client.publish(LEASES_CHANGED, lease.camera_id)

    def withdraw(self, camera_id: str) -> None:
        self.client.hdel(LEASES, camera_id)
        self.client.publish(LEASES_CHANGED, camera_id)

    def messages(self, kind: type) -> list:
        entries = self.client.xrange(RESULTS)
        wanted = kind.__name__.encode()
        return [decode(kind, fields[b"data"]) for _, fields in entries if fields[b"type"] == wanted]

    def states(self, camera_id: str = "cam-a") -> list[CameraState]:
        return [item.state for item in self.messages(CameraStatus) if item.camera_id == camera_id]

    def status(self, camera_id: str = "cam-a") -> CameraStatus | None:
        found = [item for item in self.messages(CameraStatus) if item.camera_id == camera_id]
        return found[-1] if found else None

    def account(self, camera_id: str = "cam-a") -> Account:
        found = [item for item in self.messages(Account) if item.camera_id == camera_id]
        return found[-1] if found else Account(camera_id, "", 0.0, 0, 0, 0)

    def rings(self) -> list[Path]:
        return sorted(self.settings.shm_dir.glob("vidette-*"))

    def wait_state(
        self, state: CameraState | tuple[CameraState, ...], timeout_s: float, camera_id: str = "cam-a"
    ) -> CameraStatus:
        states = state if isinstance(state, tuple) else (state,)

        def reached() -> bool:
            status = self.status(camera_id)
            return status is not None and status.state in states

        wait_for(reached, timeout_s, lambda: f"{states}, last: {self.status(camera_id)}")
        status = self.status(camera_id)
        assert status is not None
        return status


def wait_for(reached: Callable[[], bool], timeout_s: float, what: Callable[[], str]) -> float:
    """Seconds that it took; fails with `what` when it never happens."""
    start = time.monotonic()
    while not reached():
        assert time.monotonic() - start < timeout_s, f"not within {timeout_s} s: {what()}"
        time.sleep(0.03)
    return time.monotonic() - start


@contextmanager
def running_streams(redis_url: str, folder: Path, **variables: str) -> Iterator[Plane]:
    settings = settings_for(redis_url, folder, **variables)
    supervisor = Supervisor(settings)
    thread = threading.Thread(target=supervisor.serve, daemon=True)
    thread.start()
    with redis.Redis.from_url(redis_url) as client:
        try:
            yield Plane(client, supervisor, settings)
        finally:
            supervisor.ask_to_stop()
            thread.join(15)
            assert not thread.is_alive(), "the supervisor did not stop"


class OwnWorker(threading.Thread):
    """Takes Celery's messages from the queue `gpu` and answers as told: one face in every picture.

    Attributes:
        batches: what was asked; `read_errors`: frames that were gone when it came to read them.
    """

    def __init__(self, redis_url: str, shm_dir: Path, *, answers: bool = True, delay_s: float = 0.0) -> None:
        super().__init__(daemon=True)
        self._client = redis.Redis.from_url(redis_url)
        self._ring = FrameRing(shm_dir)
        self._answers = answers
        self._delay_s = delay_s
        self._stop_asked = threading.Event()
        self.batches: list[AnalyseBatch] = []
        self.read_errors = 0
        self.shapes: set[tuple[int, ...]] = set()

    def run(self) -> None:
        while not self._stop_asked.is_set():
            entry = self._client.blpop([QUEUE_GPU], timeout=0.2)
            if entry is not None:
                self._work(self._batch_of(entry[1]))

    @staticmethod
    def _batch_of(message: bytes) -> AnalyseBatch:
        import base64

        args, _, _ = json.loads(base64.b64decode(json.loads(message)["body"]))
        return decode(AnalyseBatch, args[0])

    def _work(self, batch: AnalyseBatch) -> None:
        self.batches.append(batch)
        if not self._answers:
            return
        time.sleep(self._delay_s)
        items = tuple(self._answer(batch, item.frame) for item in batch.items)
        reply = BatchReply(
            batch.batch_id, batch.stage, batch.model.version_id, batch.model.sha256, items, 1, 1, 1, "own"
        )
        self._client.rpush(batch.reply_to, encode(reply))

    def _answer(self, batch: AnalyseBatch, frame: object) -> ItemResult:
        try:
            self.shapes.add(self._ring.read(frame).shape)
        except EngineError as error:
            self.read_errors += 1
            return ItemResult(frame.camera_id, frame.epoch, frame.seq, error=str(error))
        label = "face" if batch.stage is Stage.FACES else "person"
        found = (Found((0.4, 0.3, 0.5, 0.5), 0.9, label),)
        return ItemResult(frame.camera_id, frame.epoch, frame.seq, found)

    def stop(self) -> None:
        self._stop_asked.set()
        self.join(5)
        self._client.close()


@contextmanager
def own_worker(plane: Plane, redis_url: str, **options: object) -> Iterator[OwnWorker]:
    worker = OwnWorker(redis_url, plane.settings.shm_dir, **options)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()
