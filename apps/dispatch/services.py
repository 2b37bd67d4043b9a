"""Leases to the data plane: renewed while a camera may be looked at, withdrawn at once when not.

A lock in Redis keeps a renewal, which read the database a moment ago, from writing over a withdrawal.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import cast
from uuid import UUID

from celery import current_app
from django.db.models import QuerySet
from kombu.exceptions import OperationalError
from redis.client import Pipeline
from redis.exceptions import LockNotOwnedError, RedisError
from redis.lock import Lock

from apps.cameras.models import Camera
from apps.cameras.selectors import by_key
from apps.consent.basis import Basis
from apps.consent.selectors import bases_of
from apps.core.clock import now
from apps.core.redis import client
from apps.dispatch.leases import lease_for
from apps.recordings.policy import recording_policies
from apps.rollouts.choices import choices_for
from inference_workers.contracts.codec import encode
from inference_workers.contracts.names import LEASES, LEASES_CHANGED, QUEUE_CONTROL

TASK_PUSH = "apps.dispatch.tasks.push_lease"
_LOCK = "vidette:leases:lock"
_LOCK_S = 10
_PUSH_HORIZON = timedelta(seconds=7)  # a renewal every five seconds, and one that is late
logger = logging.getLogger(__name__)


def _enabled() -> QuerySet[Camera]:
    return Camera.objects.filter(enabled=True).select_related("site", "leak_guard").prefetch_related("zones")


def _leased() -> list[str]:
    keys = cast(list[bytes], client().hkeys(LEASES))
    return [key.decode("ascii", "replace") for key in keys]


def _lock() -> Lock:
    return cast(Lock, client().lock(_LOCK, timeout=_LOCK_S, blocking_timeout=_LOCK_S / 2))


def _write(lock: Lock, commands: Callable[[Pipeline], object]) -> None:
    """Raises a RedisError, with nothing written, when the lock has run out: what was read is old by then, and
    somebody may have written a withdrawal."""
    with client().pipeline(transaction=True) as pipeline:
        pipeline.watch(_LOCK)  # type: ignore[no-untyped-call]  # untyped in redis-py
        if not lock.owned():
            raise LockNotOwnedError("not written: reading took longer than the lock holds")
        pipeline.multi()
        commands(pipeline)
        pipeline.execute()


def leases_renew() -> int:
    """Write the lease of every enabled camera and remove the others; returns how many were written."""
    with _lock() as lock:
        cameras = list(_enabled())
        choices = choices_for(cameras)
        bases, recording = bases_of(cameras), recording_policies(cameras)
        leases = {
            str(camera.pk): lease_for(camera, choices[camera.pk], bases[camera.pk], recording[camera.pk])
            for camera in cameras
        }
        texts = {key: encode(lease) for key, lease in leases.items() if lease is not None}
        stale = [key for key in _leased() if key not in texts]

        def commands(pipeline: Pipeline) -> None:
            if texts:
                pipeline.hset(LEASES, items=[part for pair in texts.items() for part in pair])
            if stale:
                pipeline.hdel(LEASES, *stale)

        _write(lock, commands)
    for key in stale:
        client().publish(LEASES_CHANGED, key)
    _pushes_plan(bases)
    return len(texts)


def _pushes_plan(bases: Mapping[UUID, Basis]) -> None:
    """Have the lease of a camera pushed at the very moment from which the register allows less.

    Should that message be lost, the lease runs out soon after the moment, and the next renewal does the same.
    """
    horizon = now() + _PUSH_HORIZON
    for camera_id, basis in bases.items():
        if basis.narrows_at is None or basis.narrows_at > horizon:
            continue
        try:
            current_app.send_task(
                TASK_PUSH, args=[str(camera_id)], eta=basis.narrows_at, expires=30, queue=QUEUE_CONTROL
            )
        except OperationalError as error:
            logger.error("lease of camera %s: its push could not be planned: %s", camera_id, error)


def lease_push(camera_id: str) -> bool:
    """Write or withdraw the lease of one camera now and tell the data plane; True when it has one."""
    with _lock() as lock:
        camera = by_key(_enabled(), camera_id).first()
        lease = lease_for(camera) if camera is not None else None
        if lease is None:
            _write(lock, lambda pipeline: pipeline.hdel(LEASES, camera_id))
        else:
            text = encode(lease)
            _write(lock, lambda pipeline: pipeline.hset(LEASES, camera_id, text))
    client().publish(LEASES_CHANGED, camera_id)
    return lease is not None


def on_camera_changed(camera_id: str) -> None:
    """After a commit. When Redis does not answer, the next renewal does the same, or the lease runs out."""
    try:
        lease_push(camera_id)
    except RedisError as error:
        logger.error("lease of camera %s: not pushed: %s", camera_id, error)


def on_stages_changed() -> None:
    try:
        leases_renew()
        for camera_id in _leased():
            client().publish(LEASES_CHANGED, camera_id)
    except RedisError as error:
        logger.error("leases: not renewed after a change of models: %s", error)
