"""Messages as the data plane sends them."""

import time
from typing import Any
from uuid import uuid4

from inference_workers.contracts.codec import encode
from inference_workers.contracts.comparison import LATENCY_BUCKETS, SCORE_BINS, Role, Seen, VersionWindow
from inference_workers.contracts.leaks import LeakBox, PictureKind
from inference_workers.contracts.lease import ModelRef, Script, Stage
from inference_workers.contracts.names import RESULTS
from inference_workers.contracts.results import (
    Account,
    CameraState,
    CameraStatus,
    LeakSample,
    ReadingResult,
    TrackResult,
)

MODEL = ModelRef(str(uuid4()), "yolox-nano", "yolox", "ab" * 32)


def track(camera_id: object, epoch: str, track_id: int = 1, **changes: Any) -> TrackResult:
    fields: dict[str, Any] = {
        "revision": 1,
        "ended": False,
        "label": "person",
        "confidence": 0.8,
        "first_seen_at": time.time(),
        "last_seen_at": time.time(),
        "best_box_xyxy": (0.1, 0.1, 0.2, 0.4),
        "path": ((0.0, 0.15, 0.3),),
        "zone_ids": (),
        "model": MODEL,
        "lease_id": str(uuid4()),
    }
    return TrackResult(camera_id=str(camera_id), epoch=epoch, track_id=track_id, **fields | changes)


def reading(camera_id: object, epoch: str, text: str = "А123ВС 77", **changes: Any) -> ReadingResult:
    fields: dict[str, Any] = {
        "reading_id": str(uuid4()),
        "seq": 1,
        "read_at": time.time(),
        "script": Script.CYRILLIC,
        "confidence": 0.9,
        "box_xyxy": (0.1, 0.1, 0.2, 0.2),
        "zone_id": None,
        "model": MODEL,
        "lease_id": str(uuid4()),
    }
    return ReadingResult(camera_id=str(camera_id), epoch=epoch, text=text, **fields | changes)


def status(camera_id: object, epoch: str, **changes: Any) -> CameraStatus:
    fields: dict[str, Any] = {"at": time.time(), "state": CameraState.STREAMING}
    return CameraStatus(camera_id=str(camera_id), epoch=epoch, **fields | changes)


def account(camera_id: object, epoch: str, captured: int, in_flight: int = 0, **changes: Any) -> Account:
    fields: dict[str, Any] = {
        "at": time.time(),
        "analysed": captured - in_flight,
        "skipped": {},
        "lost": {},
    }
    return Account(
        camera_id=str(camera_id), epoch=epoch, captured=captured, in_flight=in_flight, **fields | changes
    )


def leak_sample(camera_id: object, leaks: int = 0, **changes: Any) -> LeakSample:
    fields: dict[str, Any] = {
        "sample_id": uuid4().hex,
        "epoch": "e1",
        "seq": 7,
        "at": time.time(),
        "kind": PictureKind.LIVE,
        "lookers": ("centerface", "cascade"),
        "lease_id": str(uuid4()),
        "leaks": (LeakBox((0.1, 0.1, 0.2, 0.3), 0.8, "centerface"),) * leaks,
    }
    return LeakSample(camera_id=str(camera_id), **fields | changes)


def send(redis: Any, *messages: Any) -> None:
    pipeline = redis.pipeline(transaction=False)
    for message in messages:
        pipeline.xadd(RESULTS, {"type": type(message).__name__, "data": encode(message)})
    pipeline.execute()


def window(camera_id: object, version: object, **changes: Any) -> VersionWindow:
    """A window of the version that serves; `version` is its row."""
    fields: dict[str, Any] = {
        "epoch": str(uuid4()),
        "lease_id": str(uuid4()),
        "stage": Stage.DETECT,
        "version_id": str(getattr(version, "pk", version)),
        "sha256": MODEL.sha256,
        "role": Role.SERVING,
        "started_at": 1_790_000_000.0,
        "ended_at": 1_790_000_005.0,
        "seen": Seen(
            frames=3,
            detections={"person": 4},
            scores=(*(0,) * (SCORE_BINS - 1), 4),
            latency={"cpu/1": (0, 3, *(0,) * (LATENCY_BUCKETS - 2))},
        ),
    }
    return VersionWindow(camera_id=str(camera_id), **fields | changes)
