"""A basis that goes while pictures run: measured on a real streams process, with the real recorder."""

import os
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from apps.cameras.services import camera_create
from apps.consent import services
from apps.core.clock import now
from apps.detections.models import CameraRuntime
from apps.dispatch.models import LeaseChange
from apps.dispatch.recorder import Recorder
from apps.dispatch.services import leases_renew
from apps.registry.models import ModelVersion
from inference_workers.contracts.lease import Stage
from inference_workers.contracts.names import live_channel, live_latest, watch_key
from tests.apps.consent.entries import CONSENT, CONSENTED, FIELDS
from tests.apps.purposes import purpose_add
from tests.workers.stream_parts import OwnWorker, wait_for
from tests.workers.test_streams_process import streams_process

LIMIT_S = 5.0
# Measured is the data plane; what the database has to do with it is tested on both in test_leases.py.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database_neutral]


@pytest.fixture
def models(db):
    for name, task in (("yolox", "detection"), ("centerface", "face"), ("motion-mog2", "motion")):
        ModelVersion.objects.create(name=name, family=name, task=task, sha256="ab" * 32)


@contextmanager
def worker(redis_url, folder):
    own = OwnWorker(redis_url, folder / "shm")
    own.start()
    try:
        yield own
    finally:
        own.stop()


class Stream:
    """One camera as its viewer sees it."""

    def __init__(self, redis: Any, camera: Any) -> None:
        self._redis = redis
        self._camera = camera
        self._heard = redis.pubsub(ignore_subscribe_messages=True)
        self._heard.subscribe(live_channel(str(camera.pk)))
        self.last_at = 0.0

    def watch(self) -> None:
        self._redis.set(watch_key(str(self._camera.pk)), 1, ex=60)

    def look(self) -> None:
        while self._heard.get_message() is not None:
            self.last_at = time.time()

    def shows(self) -> bool:
        self.look()
        return bool(self._redis.exists(live_latest(str(self._camera.pk)))) and self.last_at > 0


def test_what_loses_its_basis_stops_in_a_running_stream(
    adam, bob, site_a, models, redis, redis_url, tmp_path
):
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    cameras = {
        name: camera_create(acting_user=adam, site=site_a, name=name, kind="synthetic", url="clock")
        for name in ("withdrawn", "stage", "expiring")
    }
    consents = {
        name: services.consent_record(
            acting_user=bob, fields=CONSENT, reference=f"S-{name}", cameras=[camera]
        )
        for name, camera in cameras.items()
    }
    _enter(bob, cameras["withdrawn"], "S-withdrawn", ["view", "detect"])
    _enter(bob, cameras["stage"], "S-stage", ["detect"])
    services.purpose_create(acting_user=bob, camera=cameras["stage"], fields=FIELDS | {"stages": ["view"]})
    streams = {name: Stream(redis, camera) for name, camera in cameras.items()}
    with streams_process(redis_url, tmp_path), worker(redis_url, tmp_path) as own:
        expires_at = now() + timedelta(seconds=12)
        purpose_add(cameras["expiring"], valid_until=expires_at)
        leases_renew()
        for stream in streams.values():
            stream.watch()
        for name, stream in streams.items():
            wait_for(stream.shows, 20, lambda name=name: f"no picture of {name}")
        wait_for(lambda: _asked(own, cameras["stage"], Stage.DETECT), 10, lambda: "nothing was detected")

        started = time.time()
        for name in ("withdrawn", "stage"):
            services.consent_withdraw(acting_user=bob, consent=consents[name], version=1)
        # From here on no control plane renews anything: what expires has to stop by the lease alone.
        while time.time() < max(started + LIMIT_S, expires_at.timestamp() + LIMIT_S) + 1:
            for stream in streams.values():
                stream.look()
            time.sleep(0.05)

        detections = _asked(own, cameras["stage"], Stage.DETECT)
        assert streams["withdrawn"].last_at - started < LIMIT_S
        assert streams["expiring"].last_at - expires_at.timestamp() < LIMIT_S
        assert detections[-1] - started < LIMIT_S
        assert _asked(own, cameras["stage"], Stage.FACES)[-1] - started > LIMIT_S  # its picture went on
        Recorder(redis, consumer="test").drain()
    _check_proof(cameras)


def _enter(bob: Any, camera: Any, subject: str, stages: list[str]) -> None:
    services.purpose_create(
        acting_user=bob, camera=camera, fields=CONSENTED | {"stages": stages}, subjects=[subject]
    )


def _asked(own: OwnWorker, camera: Any, stage: Stage) -> list[float]:
    """When frames of a camera were sent to be looked at for a stage."""
    return [
        batch.submitted_at
        for batch in list(own.batches)
        if batch.stage is stage and any(item.frame.camera_id == str(camera.pk) for item in batch.items)
    ]


def _check_proof(cameras: dict[str, Any]) -> None:
    """The data plane itself has said when it obeyed, and the tile says why nothing is shown."""
    for name in ("withdrawn", "stage"):
        change = LeaseChange.objects.filter(camera=cameras[name]).order_by("-revision")[0]
        took_s = (change.confirmed_at - change.issued_at).total_seconds()
        print(f"{name}: obeyed after {took_s:.2f} s")
        assert took_s < LIMIT_S
    assert CameraRuntime.objects.get(camera=cameras["withdrawn"]).shown_code == "consent_missing"
    assert LeaseChange.objects.filter(camera=cameras["stage"]).order_by("-revision")[0].withheld == ""
