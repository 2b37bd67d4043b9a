"""Recorded segments as the data plane reports them, with their files."""

import hashlib
from datetime import timedelta
from uuid import uuid4

import pytest

FILE = b"\x00\x00\x00\x18ftypiso5" + b"redacted video " * 40


def result_for(camera, at, seconds=10.0, **changes):
    """The message about a segment that began at `at`."""
    from inference_workers.contracts.recording import RecordingMode, SegmentResult, segment_key

    segment_id = str(uuid4())
    values = {
        "segment_id": segment_id, "camera_id": str(camera.pk), "epoch": uuid4().hex, "number": 0,
        "started_at": at.timestamp(), "ended_at": at.timestamp() + seconds, "frames": 50, "width": 960,
        "height": 540, "bytes": len(FILE), "sha256": hashlib.sha256(FILE).hexdigest(),
        "object_key": segment_key(str(camera.pk), f"{at:%Y-%m-%d}", segment_id), "lease_id": str(uuid4()),
        "reason": RecordingMode.EVENTS, "redaction": {"tracks": 48, "mosaic": 2},
        "models": {"faces": "v1"}, "track_ids": (1,),
    }  # fmt: skip
    return SegmentResult(**{**values, **changes})


@pytest.fixture
def apply():
    """Hands messages to the recorder's function."""
    from django.db import transaction

    from apps.detections.results import ResultBatch
    from apps.recordings.results import segment_apply

    def apply(message):
        with transaction.atomic():
            return segment_apply(message, ResultBatch())

    return apply


@pytest.fixture
def recorded(apply, redis):
    """Makes a segment of `camera`, `hours` ago, with its file."""
    from apps.core.clock import now
    from apps.core.objects import object_put
    from apps.recordings.models import Segment

    def make(camera, hours=1.0, seconds=10.0):
        message = result_for(camera, now() - timedelta(hours=hours), seconds)
        object_put(message.object_key, FILE)
        apply(message)
        return Segment.objects.get(pk=message.segment_id)

    return make


@pytest.fixture
def no_record(monkeypatch):
    """The record cannot be written."""
    from apps.core.errors import Unavailable

    def refuse(*_args, **_kwargs):
        raise Unavailable("audit_unavailable", "the record cannot be written")

    for name in ("record_change", "record_access", "record_system"):
        monkeypatch.setattr(f"apps.audit.services.{name}", refuse)
