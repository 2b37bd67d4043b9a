"""kill -9 of the real worker while it redacts: each step counts once, the result is the same to the bit."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.core.clock import now
from apps.detections.results import Outcome
from apps.dispatch.recorder import Recorder
from apps.redactions.models import Redaction, RedactionStep
from apps.redactions.sweeping import redactions_sweep
from apps.registry.tasks import sync_models
from tests.apps.redactions.conftest import upload
from tests.e2e.browser.films import walking_face

KILLS = 3
PATIENCE_S = 100.0
ROOT = Path(__file__).resolve().parents[3]


class RealWorker:
    """The GPU worker of the product, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        celery = [sys.executable, "-m", "celery", "-A", "inference_workers.celery_app", "worker", "-Q", "gpu"]
        quiet = ["--pool", "threads", "--concurrency=1", "--without-gossip", "--without-mingle"]
        environment = os.environ | {"VIDETTE_LEASE_KEY": "unused", "VIDETTE_DATA_DIR": str(self._folder)}
        with (self._folder / "worker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*celery, *quiet], cwd=ROOT, env=environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@pytest.fixture
def worker(transactional_db: None, redis, tmp_path: Path) -> Iterator[RealWorker]:
    found = RealWorker(tmp_path)
    found.start()
    deadline = time.monotonic() + PATIENCE_S
    while not sync_models():
        assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()[-3000:]
        time.sleep(0.2)
    yield found
    found.kill()


class Ledger:
    """The recorder and the clock of the product, turned by the test; time passes faster after a kill."""

    def __init__(self, redis) -> None:
        self._redis = redis
        self.recorder = Recorder(redis)
        self.recorder.drain()

    def turn(self) -> None:
        self.recorder.drain()
        redactions_sweep()
        time.sleep(0.05)

    def let_leases_run_out(self) -> None:
        for key in self._redis.scan_iter("vidette:redaction:*"):
            self._redis.delete(key)
        RedactionStep.objects.filter(state="running").update(leased_until=now())
        redactions_sweep()
        RedactionStep.objects.update(not_before=None)

    def finish(self, redaction: Redaction, between) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while redaction.state not in ("done", "failed"):
            assert time.monotonic() < deadline, list(redaction.steps.values())
            self.turn()
            between()
            redaction.refresh_from_db()


def _sha256(redaction: Redaction) -> str:
    assert redaction.state == "done", (redaction.error_code, redaction.error)
    return str(redaction.result["sha256"])


def _undisturbed() -> None:
    """Nothing happens between two turns."""


@pytest.mark.database_neutral
@pytest.mark.timeout(400)
def test_each_step_counts_once_and_the_film_is_the_same_to_the_bit(worker, redis, bob):
    film, ledger = walking_face(5.0), Ledger(redis)
    calm = upload(bob, film)
    ledger.finish(calm, _undisturbed)

    disturbed, chance, kills = upload(bob, film), random.Random(20261124), []

    def maybe_kill() -> None:
        running = disturbed.steps.filter(state="running").first()
        if len(kills) < KILLS and running is not None and chance.random() < 0.3:
            worker.kill()
            kills.append(running.key)
            worker.start()
            ledger.let_leases_run_out()

    ledger.finish(disturbed, maybe_kill)
    assert len(kills) == KILLS
    assert _sha256(disturbed) == _sha256(calm)
    keys = [list(row.steps.order_by("key").values_list("key", "state")) for row in (calm, disturbed)]
    assert keys[0] == keys[1]
    assert {state for _key, state in keys[1]} == {"done"}
    assert sum(step.attempts for step in disturbed.steps.all()) >= len(keys[1]) + 1
    assert ledger.recorder.counts[Outcome.UNKNOWN.value] == 0
