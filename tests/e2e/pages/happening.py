"""What the data plane reports, put into the database as the recorder does."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from tests.live.pictures import mosaic_jpeg


def event_happens(camera: Any, *, label: str = "person", text: str = "") -> Any:
    """A track with a covered snapshot; returns the event. Viewers are told at once.

    In a thread of its own: the knock at the channel layer needs one without an event loop.
    """
    with ThreadPoolExecutor(1) as recorder:
        return recorder.submit(_report, camera, label, text).result()


def _report(camera: Any, label: str, text: str) -> Any:
    from django.db import connection, transaction

    from apps.core.objects import object_put
    from apps.detections.models import Event
    from apps.detections.results import ResultBatch, reading_apply, track_apply
    from inference_workers.contracts.names import snapshot_key

    key = snapshot_key(str(camera.pk), "2026-11-24", uuid4().hex)
    object_put(key, mosaic_jpeg(1))
    track = _track(camera, label, key)
    with transaction.atomic():
        batch = ResultBatch()
        track_apply(track, batch)
        if text:
            reading_apply(_reading(track, text), batch)
        batch.finish()
    event = Event.objects.get(camera=camera, epoch=track.epoch)
    connection.close()
    return event


def _track(camera: Any, label: str, key: str) -> Any:
    from inference_workers.contracts.lease import ModelRef
    from inference_workers.contracts.results import TrackResult

    at = time.time()
    return TrackResult(
        camera_id=str(camera.pk),
        epoch=str(uuid4()),
        track_id=1,
        revision=1,
        ended=True,
        label=label,
        confidence=0.91,
        first_seen_at=at - 4,
        last_seen_at=at,
        best_box_xyxy=(0.2, 0.3, 0.3, 0.8),
        path=((0.0, 0.2, 0.6), (2.0, 0.4, 0.6), (4.0, 0.7, 0.65)),
        zone_ids=(),
        model=ModelRef(str(uuid4()), "yolox-nano", "yolox", "ab" * 32),
        lease_id=str(uuid4()),
        snapshot_key=key,
        snapshot_redaction="tracks",
    )


def _reading(track: Any, text: str) -> Any:
    from inference_workers.contracts.lease import Script
    from inference_workers.contracts.results import ReadingResult

    return ReadingResult(
        reading_id=str(uuid4()),
        camera_id=track.camera_id,
        epoch=track.epoch,
        seq=1,
        read_at=track.last_seen_at,
        text=text,
        script=Script.LATIN,
        confidence=0.97,
        box_xyxy=(0.2, 0.2, 0.5, 0.3),
        zone_id=None,
        model=track.model,
        lease_id=track.lease_id,
        track_id=track.track_id,
    )
