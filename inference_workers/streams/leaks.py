"""Samples of what leaves: a few redacted pictures per hour and camera wait in Redis for a second look."""

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError

from inference_workers.contracts.codec import encode
from inference_workers.contracts.leaks import PictureKind, SecondLook
from inference_workers.contracts.lease import Lease, Stage, ZoneKind
from inference_workers.contracts.names import SAMPLE_TTL_S, SECOND_LOOKS, sample_key
from inference_workers.engine.redaction import MOSAIC, RedactedFrame, encode_jpeg
from inference_workers.streams.sinks import LIVE_MAX_WIDTH_PX, LIVE_QUALITY, SNAPSHOT_QUALITY

# More than this never wait: the workers are behind, and the newest pictures tell the most.
WAITING_MAX = 64
HOUR_S = 3600.0
# The first sample of a camera comes after seconds, so that a wrong policy shows soon.
FIRST_WITHIN_S = 20.0
_log = logging.getLogger(__name__)


class SampleSink:
    """Takes samples at random moments, as many per hour as the lease says. Thread safe.

    A picture is encoded exactly as its viewers got it. Whole-frame mosaics are not sampled: they would
    only dilute the rate.

    Attributes:
        taken: samples that wait or waited; lost: samples that Redis did not take.
    """

    def __init__(self, redis: Redis, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._clock = clock
        self._lock = threading.Lock()
        self._due_at: dict[tuple[str, PictureKind], float] = {}
        self.taken = 0
        self.lost = 0

    def offer(self, redacted: RedactedFrame, lease: Lease, kind: PictureKind) -> bool:
        """Sample the picture if it is the turn of its camera; False when it is not.

        Raises:
            TypeError: the picture is no RedactedFrame.
        """
        if not isinstance(redacted, RedactedFrame):
            raise TypeError(f"offer: expected a RedactedFrame, got {type(redacted).__name__}")
        if redacted.redaction == MOSAIC or not self._is_due(lease, kind):
            return False
        live = kind is PictureKind.LIVE
        jpeg = encode_jpeg(
            redacted, LIVE_QUALITY if live else SNAPSHOT_QUALITY, LIVE_MAX_WIDTH_PX if live else None
        )
        self._send(_second_look(redacted, lease, kind), jpeg)
        return True

    def _is_due(self, lease: Lease, kind: PictureKind) -> bool:
        per_h = lease.redaction.second_looks_per_h
        if per_h <= 0:
            return False
        key, now, period_s = (lease.camera_id, kind), self._clock(), HOUR_S / per_h
        with self._lock:
            due_at = self._due_at.setdefault(key, now + _random() * min(FIRST_WITHIN_S, period_s))
            if now < due_at:
                return False
            self._due_at[key] = now + period_s * (0.5 + _random())
            return True

    def _send(self, wanted: SecondLook, jpeg: bytes) -> None:
        try:
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(sample_key(wanted.sample_id), jpeg, ex=SAMPLE_TTL_S)
                pipe.rpush(SECOND_LOOKS, encode(wanted))
                pipe.ltrim(SECOND_LOOKS, -WAITING_MAX, -1)
                pipe.execute()
        except RedisError as error:
            self.lost += 1
            _log.warning("second look: Redis took no sample: %s", type(error).__name__)
        else:
            self.taken += 1


def _random() -> float:
    return random.random()  # noqa: S311 - spreads samples, guards nothing


def _second_look(redacted: RedactedFrame, lease: Lease, kind: PictureKind) -> SecondLook:
    width, height = redacted.width, redacted.height
    faces = lease.models.get(Stage.FACES.value)
    return SecondLook(
        sample_id=uuid.uuid4().hex,
        camera_id=lease.camera_id,
        epoch=redacted.epoch,
        seq=redacted.seq,
        at=redacted.grabbed_at,
        kind=kind,
        lease_id=lease.lease_id,
        faces_family=faces.family if faces is not None else "",
        covered_xyxy=tuple(
            (left / width, top / height, right / width, bottom / height)
            for left, top, right, bottom in redacted.covered_xyxy
        ),
        masks=tuple(zone.polygon for zone in lease.zones if zone.kind is ZoneKind.PRIVACY_MASK),
    )
