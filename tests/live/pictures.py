"""A data plane for tests: packs covered pictures and publishes them as the streams process does."""

import threading
import time
from functools import cache
from typing import Any

import cv2
import numpy as np

from inference_workers.contracts.live import LiveBox, LiveHeader, pack
from inference_workers.contracts.names import live_channel, live_latest

WIDTH, HEIGHT = 320, 180
MODELS = {"faces": "centerface@1", "objects": "yolox-nano@1"}


@cache
def mosaic_jpeg(number: int = 0, least_bytes: int = 0) -> bytes:
    """A picture of large squares; what follows the end marker of a JPEG only adds weight."""
    coarse = np.random.default_rng(number).integers(0, 256, (9, 16, 3), dtype=np.uint8)
    picture = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    return jpeg + bytes(max(0, least_bytes - len(jpeg)))


def live_message(camera_id: object, seq: int, *, least_bytes: int = 0, redaction: str = "tracks") -> bytes:
    at = time.time()
    header = LiveHeader(
        camera_id=str(camera_id),
        epoch="e1",
        seq=seq,
        grabbed_at=at,
        published_at=at,
        width=WIDTH,
        height=HEIGHT,
        fps=10.0,
        redaction=redaction,
        boxes=(LiveBox(1, "person", 0.9, (0.1, 0.1, 0.3, 0.8)),),
        models=MODELS,
    )
    return pack(header, mosaic_jpeg(seq % 4, least_bytes))


def publish(redis: Any, camera_id: object, seq: int = 1, **changes: Any) -> bytes:
    message = live_message(camera_id, seq, **changes)
    redis.publish(live_channel(str(camera_id)), message)
    return message


def keep_latest(redis: Any, camera_id: object, seq: int = 1) -> bytes:
    """What somebody who joins is shown first."""
    message = live_message(camera_id, seq)
    redis.set(live_latest(str(camera_id)), message, ex=5)
    return message


class Publisher:
    """Publishes pictures of one camera at a rate until it is left."""

    def __init__(self, redis: Any, camera_id: object, *, fps: float = 20, **changes: Any) -> None:
        self.seq = 0
        self._redis, self._camera_id = redis, camera_id
        self._every_s, self._changes = 1 / fps, changes
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._left.wait(self._every_s):
            self.seq += 1
            publish(self._redis, self._camera_id, self.seq, **self._changes)

    def __enter__(self) -> "Publisher":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._left.set()
        self._thread.join()
