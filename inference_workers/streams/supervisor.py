"""The streams process: one runner per leased camera of its shard, heartbeats, a clean stop."""

import json
import logging
import os
import signal
import threading
import time
import zlib
from pathlib import Path

import psutil
import redis

from inference_workers.contracts.lease import Lease
from inference_workers.contracts.names import HEARTBEATS
from inference_workers.contracts.results import CameraState, CameraStatus
from inference_workers.engine.ring import RingBudget, remove_stale_rings
from inference_workers.objects import Objects
from inference_workers.settings import WorkerSettings
from inference_workers.streams.analysis import Analysis
from inference_workers.streams.leaks import SampleSink
from inference_workers.streams.leases import LeaseTable, LeaseWatcher
from inference_workers.streams.probe import ProbeDesk
from inference_workers.streams.recording import RecordingSink
from inference_workers.streams.runner import CameraRunner, StreamServices
from inference_workers.streams.sending import celery_sender
from inference_workers.streams.sinks import LiveSink, ResultSink, SnapshotSink

HEARTBEAT_S = 2.0
PROBLEM_REPEAT_S = 5.0
STOP_WAIT_S = 5.0
_log = logging.getLogger(__name__)


def owns(camera_id: str, shard: int, shards: int) -> bool:
    """Whether this shard's process serves the camera; every process comes to the same answer."""
    return zlib.crc32(camera_id.encode()) % shards == shard


def connect_redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=3, socket_connect_timeout=2, retry_on_timeout=False, health_check_interval=15
    )


class Fleet:
    """The runners of this process. `apply` is called by the lease watcher only."""

    def __init__(self, services: StreamServices, shard: int, shards: int) -> None:
        self._services = services
        self._shard = shard
        self._shards = shards
        self._lock = threading.Lock()
        self._runners: dict[str, CameraRunner] = {}
        self._leases: dict[str, Lease] = {}
        self._problems_told: dict[str, float] = {}
        self._stopped = False

    def apply(self, table: LeaseTable) -> None:
        """Start, update and stop runners so that they match the leases."""
        with self._lock:
            if self._stopped:
                return
            wanted = {k: v for k, v in table.leases.items() if owns(k, self._shard, self._shards)}
            for camera_id in [key for key in self._runners if key not in wanted]:
                self._runners.pop(camera_id).stop()
                self._leases.pop(camera_id, None)
            for camera_id, lease in wanted.items():
                self._apply_one(camera_id, lease)
            self._tell_problems(table.problems)

    def _apply_one(self, camera_id: str, lease: Lease) -> None:
        runner = self._runners.get(camera_id)
        if runner is None or not runner.is_alive():
            self._runners[camera_id] = runner = CameraRunner(lease, self._services)
            runner.start()
        elif lease != self._leases.get(camera_id):
            runner.update_lease(lease)
        self._leases[camera_id] = lease

    def _tell_problems(self, problems: dict[str, str]) -> None:
        now = time.time()
        for camera_id, problem in problems.items():
            if not owns(camera_id, self._shard, self._shards):
                continue
            if now - self._problems_told.get(camera_id, 0.0) >= PROBLEM_REPEAT_S:
                self._problems_told[camera_id] = now
                self._services.results.send(
                    CameraStatus(camera_id, "", now, CameraState.REFUSED, "lease_invalid", problem)
                )

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            runners = list(self._runners.values())
            self._runners.clear()
        for runner in runners:
            runner.stop()
        until = time.monotonic() + STOP_WAIT_S
        for runner in runners:
            runner.join(max(0.1, until - time.monotonic()))

    def runner(self, camera_id: str) -> CameraRunner | None:
        with self._lock:
            return self._runners.get(camera_id)

    def figures(self) -> dict[str, object]:
        with self._lock:
            runners = dict(self._runners)
        return {
            "cameras": {camera_id: runner.figures() for camera_id, runner in runners.items()},
            "runners": sum(runner.is_alive() for runner in runners.values()),
        }


class Supervisor:
    """Builds everything of one streams process and keeps it until it is told to stop."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._client = connect_redis(settings.redis_url)
        self._objects = Objects(settings.object_store_url)
        self.analysis = Analysis(
            celery_sender(settings.broker_url),
            connect_redis(settings.redis_url),
            batch_size=settings.batch_size,
            max_wait_s=settings.batch_wait_ms / 1000,
            in_flight=settings.batches_in_flight,
            deadline_s=settings.analyse_deadline_s,
        )
        results = ResultSink(self._client)
        self.services = StreamServices(
            analysis=self.analysis,
            live=LiveSink(self._client),
            snapshots=SnapshotSink(self._objects.put),
            samples=SampleSink(self._client),
            results=results,
            recordings=RecordingSink(self._objects.put, results),
            budget=RingBudget(settings.shm_budget_mb * 2**20),
            shm_dir=settings.shm_dir,
            media_roots=settings.media_roots,
            lease_key=settings.lease_key,
        )
        self.fleet = Fleet(self.services, settings.shard, settings.shards)
        self._leases = LeaseWatcher(connect_redis(settings.redis_url), self.fleet.apply)
        self._probes = ProbeDesk(self.services, connect_redis(settings.redis_url), self._objects)
        self._stop_asked = threading.Event()

    @property
    def name(self) -> str:
        settings = self._settings
        return "streams" if settings.shards == 1 else f"streams-{settings.shard}"

    def ask_to_stop(self, *_: object) -> None:
        self._stop_asked.set()

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        signal.signal(signal.SIGTERM, self.ask_to_stop)
        signal.signal(signal.SIGINT, self.ask_to_stop)
        self.serve()

    def serve(self) -> None:
        """The same without signals, for a thread of a test."""
        removed = remove_stale_rings(Path(self._settings.shm_dir))
        _log.info("streams start, %d rings of dead processes removed", removed)
        self.analysis.start()
        self.services.recordings.start()
        self._leases.start()
        self._probes.start()
        while not self._stop_asked.is_set():
            self._beat()
            self._stop_asked.wait(HEARTBEAT_S)
        self._shut_down()

    def _beat(self) -> None:
        self.services.results.flush()
        try:
            self._client.hset(HEARTBEATS, self.name, json.dumps(self.heartbeat()))
        except redis.RedisError as error:
            _log.warning("the heartbeat could not be sent: %s", type(error).__name__)

    def heartbeat(self) -> dict[str, object]:
        """What the control plane shows on /metrics: counters since the start of this process."""
        live, results, budget = self.services.live, self.services.results, self.services.budget
        recordings, figures = self.services.recordings, self.analysis.figures
        return {
            "at": time.time(),
            "pid": os.getpid(),
            "rss_bytes": psutil.Process().memory_info().rss,
            "batches": figures.batches,
            "items": figures.items,
            "answered": figures.answered,
            "late_replies": figures.late_replies,
            "answer_ms_sum": round(figures.answer_ms_sum, 1),
            "infer_ms_sum": round(figures.infer_ms_sum, 1),
            "analysis_lost": dict(figures.lost),
            "published": live.published,
            "publish_lost": live.lost,
            "snapshots_failed": self.services.snapshots.failed,
            "samples_taken": self.services.samples.taken,
            "samples_lost": self.services.samples.lost,
            "segments_stored": recordings.stored,
            "segments_waiting": len(recordings),
            "segments_lost": recordings.lost,
            "results_sent": results.sent,
            "results_waiting": len(results),
            "results_dropped": results.dropped,
            "shm_used_mb": round(budget.used_bytes / 2**20, 1),
            "shm_budget_mb": budget.total_bytes // 2**20,
            **self.fleet.figures(),
        }

    def _shut_down(self) -> None:
        self._leases.stop()
        self._probes.stop()
        self.fleet.stop()
        self.services.recordings.stop()
        self.analysis.stop()
        self.services.results.flush()
        _log.info("streams stopped")
