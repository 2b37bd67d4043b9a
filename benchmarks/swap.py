"""`python -m benchmarks.swap [DATA] [--cameras=8] [--seconds=20] [--fps=1]`: versions change in mid-stream.

Real processes: streams, one inference worker, Redis; clips of DATA/video as cameras, real detectors of
DATA/weights. Each phase changes the leases of all cameras at once. What is printed: how long until every
camera was served by the other bytes (proven by the hash in its status), which frames were lost by reason,
how many were analysed, and what a shadow saw and had to leave out.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from cryptography.fernet import Fernet

from benchmarks.installation import ROOT
from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.comparison import Role, VersionWindow
from inference_workers.contracts.environment import Environment
from inference_workers.contracts.lease import Lease, ModelRef, Source, SourceKind, Stage
from inference_workers.contracts.names import HEARTBEATS, LEASES, LEASES_CHANGED, RESULTS
from inference_workers.contracts.results import Account, CameraStatus
from inference_workers.engine.model_directory import ModelDirectory
from inference_workers.models import add_folder
from inference_workers.settings import read

FIRST, SECOND = "picodet-s-320", "picodet-s-416"
START_S, FLIP_S = 120.0, 60.0


@dataclass
class Bench:
    """The control plane's side: leases out, results in."""

    client: redis.Redis
    clips: list[Path]
    models: dict[str, ModelRef]
    fps: float
    revision: int = 0

    @property
    def cameras(self) -> list[str]:
        return [f"cam-{number}" for number in range(len(self.clips))]

    def issue(self, detector: str, shadow: str = "") -> float:
        """Name another version on every camera; returns when."""
        self.revision += 1
        for camera_id, clip in zip(self.cameras, self.clips, strict=True):
            lease = Lease(
                lease_id=f"lease-{self.revision}", camera_id=camera_id, camera_name=clip.stem,
                time_zone="UTC", issued_at=time.time(), valid_until=time.time() + 3600,
                revision=self.revision,
                source=Source(SourceKind.FILE, str(clip)),
                stages=(Stage.VIEW, Stage.MOTION, Stage.FACES, Stage.DETECT),
                models={"faces": self.models["centerface"], "detect": self.models[detector]},
                shadows={"detect": self.models[shadow]} if shadow else {},
                analysis_fps=self.fps,
            )  # fmt: skip
            self.client.hset(LEASES, camera_id, encode(lease))
            self.client.publish(LEASES_CHANGED, camera_id)
        return time.monotonic()

    def newest(self, kind: type) -> dict[str, Any]:
        return {message.camera_id: message for message in self.messages(kind)}

    def messages(self, kind: type) -> list[Any]:
        entries: Any = self.client.xrange(RESULTS)
        return [decode(kind, f[b"data"]) for _, f in entries if f[b"type"] == kind.__name__.encode()]

    def serving(self, detector: str) -> int:
        sha256 = self.models[detector].sha256
        return sum(s.served.get("detect") == sha256 for s in self.newest(CameraStatus).values())

    def wait_served(self, detector: str, since: float, patience_s: float) -> float:
        """Seconds until every camera was served by this version."""
        while self.serving(detector) < len(self.clips):
            if time.monotonic() - since > patience_s:
                states = {k: (s.state, s.served, s.waiting) for k, s in self.newest(CameraStatus).items()}
                raise SystemExit(f"swap: not every camera is served by {detector}: {states}")
            time.sleep(0.1)
        return time.monotonic() - since

    def totals(self) -> Counter[str]:
        """Frames of all cameras by what became of them; raises when an account does not balance."""
        sums: Counter[str] = Counter()
        for account in self.newest(Account).values():
            if not account.balances():
                raise SystemExit(f"swap: this account does not balance: {account}")
            sums.update(captured=account.captured, analysed=account.analysed)
            sums.update({f"lost {reason}": count for reason, count in account.lost.items()})
        return sums

    def faces_ms(self) -> tuple[float, int]:
        """Sum and number of what batches for faces waited for the worker."""
        beat = json.loads(self.client.hget(HEARTBEATS, "gpu") or b"{}")
        waited = beat.get("metrics", {}).get("histograms", {}).get("queued_ms.faces", {})
        return waited.get("sum", 0.0), waited.get("count", 0)

    def in_memory(self) -> list[str]:
        return sorted(json.loads(self.client.hget(HEARTBEATS, "gpu") or b"{}").get("served", {}))


def phase(bench: Bench, name: str, seconds: float, detector: str, shadow: str = "") -> None:
    """One change of all leases, and what became of the frames in the time after it."""
    windows = len(bench.messages(VersionWindow))
    before, (sum_before, count_before) = bench.totals(), bench.faces_ms()
    began = bench.issue(detector, shadow)
    flip_s = bench.wait_served(detector, began, FLIP_S)
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    after, (sum_after, count_after) = bench.totals(), bench.faces_ms()
    grown = {key: after[key] - before[key] for key in after if after[key] != before[key]}
    faces = (sum_after - sum_before) / max(1, count_after - count_before)
    say(f"{name}: served by {detector} everywhere after {flip_s:.1f} s; {grown}; faces waited {faces:.0f} ms")
    if shadow:
        told = [w for w in bench.messages(VersionWindow)[windows:] if w.role is Role.SHADOW]
        frames, skipped = sum(w.seen.frames for w in told), sum(w.skipped for w in told)
        matched = sum(w.beside.matched for w in told)
        say(f"  shadow {shadow}: {frames} frames compared, {skipped} left out, {matched} boxes matched")
    time.sleep(6)
    say(f"  in memory: {', '.join(bench.in_memory())}")


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def processes(folder: Path, data: Path) -> Iterator[tuple[redis.Redis, dict[str, str]]]:
    """Redis, streams and one inference worker in a folder of their own."""
    from tests.services import RedisServer

    server = RedisServer().start()
    environment = {
        **os.environ, "REDIS_URL": server.url,
        "VIDETTE_DATA_DIR": str(folder), "VIDETTE_MODEL_DIR": str(folder / "models"),
        "VIDETTE_MEDIA_ROOTS": str(data / "video"), "VIDETTE_LEASE_KEY": Fernet.generate_key().decode(),
        "OBJECT_STORE_URL": (folder / "objects").as_uri(), "LOG_LEVEL": "WARNING", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    environment.pop("CELERY_BROKER_URL", None)
    worker = [sys.executable, "-m", "celery", "-A", "inference_workers.celery_app", "worker", "-Q", "gpu"]
    commands = (
        [*worker, "--pool", "threads", "--concurrency", "2", "-n", "gpu@bench"],
        [sys.executable, "-m", "inference_workers.streams"],
    )
    log = (folder / "bench.log").open("wb")
    running = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) for command in commands
    ]
    try:
        with redis.Redis.from_url(server.url) as client:
            yield client, environment
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(20)
        server.stop()
        log.close()


def options(words: list[str]) -> tuple[Path, int, float, float]:
    chosen = dict(word.lstrip("-").split("=", 1) for word in words if word.startswith("--"))
    paths = [word for word in words if not word.startswith("--")]
    data = Path(paths[0] if paths else ROOT.parent / "shared" / "data").resolve()
    return (
        data,
        int(chosen.get("cameras", "8")),
        float(chosen.get("seconds", "20")),
        float(chosen.get("fps", "1")),
    )


def main(words: list[str]) -> int:
    data, cameras, seconds, fps = options(words)
    clips = sorted(path for path in (data / "video").glob("*.*") if path.suffix in (".mp4", ".avi"))
    with tempfile.TemporaryDirectory(prefix="vidette-swap-") as name:
        folder = Path(name)
        with processes(folder, data) as (client, environment):
            directory = ModelDirectory(read(Environment(environment)))
            add_folder(directory, data / "weights" / "detection")
            cards = {card.name: card for card in directory.cards()}
            models = {c.name: ModelRef(c.name, c.name, c.family, c.sha256) for c in cards.values()}
            bench = Bench(client, (clips * 8)[:cameras], models, fps)
            bench.wait_served(FIRST, bench.issue(FIRST), START_S)
            say(f"{cameras} cameras, {bench.fps:g} looks a second, {os.cpu_count()} cores")
            phase(bench, "nothing changes", seconds, FIRST)
            phase(bench, "swap", seconds, SECOND)
            phase(bench, "and back", seconds, FIRST)
            phase(bench, "a shadow joins", seconds, FIRST, shadow=SECOND)
            phase(bench, "the shadow takes over", seconds, SECOND)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
