"""Rows of every kind, as old as a test wants them."""

from datetime import timedelta
from uuid import uuid4

import pytest


@pytest.fixture
def frank(db):
    """A second compliance officer."""
    from apps.accounts.models import User

    return User.objects.create_user(username="frank", password="correct horse battery", role="compliance")


@pytest.fixture
def seen(redis):
    """Makes an event with a picture and a reading, `hours` ago."""
    from apps.core.clock import now
    from apps.core.objects import object_put
    from apps.detections.models import Event, Reading

    def make(camera, hours):
        at = now() - timedelta(hours=hours)
        key = f"snapshots/{camera.pk}/{at:%Y-%m-%d}/{uuid4().hex}.jpg"
        object_put(key, b"\xff\xd8redacted\xff\xd9")
        model = {"model_name": "yolox-nano", "model_sha256": "ab" * 32}
        event = Event.objects.create(
            camera=camera, epoch=str(uuid4()), track_id=1, label="person", confidence=0.9,
            first_seen_at=at - timedelta(seconds=5), last_seen_at=at, lease_id=str(uuid4()), snapshot_key=key,
            **model,
        )  # fmt: skip
        Reading.objects.create(
            pk=uuid4(), camera=camera, epoch=event.epoch, event=event, read_at=at, text="EXIT",
            folded="exit", script="latin", confidence=0.9, snapshot_key=key, **model,
        )  # fmt: skip
        return event

    return make


@pytest.fixture
def no_record(monkeypatch):
    """The record cannot be written."""
    from apps.core.errors import Unavailable

    def refuse(*_args, **_kwargs):
        raise Unavailable("audit_unavailable", "the record cannot be written")

    for name in ("record_change", "record_access", "record_system"):
        monkeypatch.setattr(f"apps.audit.services.{name}", refuse)
