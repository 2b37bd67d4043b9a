"""A camera whose originals are kept, a sealed segment of it, and people to ask and to decide."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

SESSION = "session-of-alice"


@pytest.fixture
def frank(db):
    """A second compliance officer."""
    from apps.accounts.models import User

    return User.objects.create_user(username="frank", password="correct horse battery", role="compliance")


@pytest.fixture
def originals(bob, camera, redis):
    """Makes a segment of the camera with a sealed original; two people in it, tracks 1 and 2."""
    from django.db import transaction

    from apps.core.clock import now
    from apps.core.objects import object_put
    from apps.detections.results import ResultBatch
    from apps.recordings.keys import seal_keys
    from apps.recordings.models import Segment
    from apps.recordings.results import segment_apply
    from inference_workers.contracts.lease import RedactionPolicy
    from inference_workers.contracts.recording import RecordingMode, RecordingPolicy
    from inference_workers.engine.frame import Frame
    from inference_workers.engine.originals import OriginalKeeper
    from inference_workers.engine.recorder import Recorder, Scene
    from inference_workers.engine.redaction import redact
    from tests.engine.test_recorder import lease

    def make(of=camera, minutes=10.0):
        at = now() - timedelta(minutes=minutes)
        key = seal_keys([of.pk], at.date())[of.pk]
        policy = RecordingPolicy(mode=RecordingMode.CONTINUOUS, seal=key)
        recorder = Recorder(replace(lease(), camera_id=str(of.pk), recording=policy), OriginalKeeper())
        recorder.epoch = f"e{at.timestamp()}"[:36]
        faces = np.array([[20.0, 20, 40, 40], [100, 20, 120, 40]])
        boxes = {1: (0.1, 0.1, 0.3, 0.9), 2: (0.6, 0.1, 0.8, 0.9)}
        for number in range(10):
            raw = Frame(
                np.full((90, 160, 3), 128, np.uint8), str(of.pk), "e", number, at.timestamp() + number / 5
            )
            recorder.take(raw, redact(raw, faces, RedactionPolicy()), Scene(at.timestamp(), boxes, {}))
        (made,) = recorder.finish()
        object_put(made.result.object_key, made.data)
        object_put(made.result.original.object_key, made.sealed)
        with transaction.atomic():
            segment_apply(made.result, ResultBatch())
        return Segment.objects.get(pk=made.result.segment_id)

    return make


@pytest.fixture
def worker(monkeypatch, settings):
    """The GPU worker, called by hand: `sent` holds messages, `work` does them and applies the answers."""
    from django.db import transaction

    from apps.detections.results import ResultBatch
    from apps.unmasking.services import parts, reveal_apply
    from inference_workers.contracts.codec import decode
    from inference_workers.contracts.reveals import RevealSegment
    from inference_workers.objects import Objects
    from inference_workers.tasks.counters import Counters
    from inference_workers.tasks.reveal import RevealMaker

    sent = []
    monkeypatch.setattr(parts, "gpu_send", lambda task, message, *, expires_s: sent.append(message))
    assert unquote(urlsplit(settings.OBJECT_STORE_URL).path)
    maker = RevealMaker(Objects(settings.OBJECT_STORE_URL), settings.LEASE_KEY, Counters())

    def work():
        while sent:
            reply = maker.reveal(decode(RevealSegment, sent.pop(0)))
            with transaction.atomic():
                reveal_apply(reply, ResultBatch())

    return SimpleNamespace(sent=sent, work=work)


@pytest.fixture
def asked(alice, camera, originals):
    """alice's request for the segment."""
    from apps.unmasking.services import request_create
    from apps.unmasking.services.requests import Wanted

    def ask(user=alice, track_id=None, segment=None, epoch=None):
        segment = segment or originals()
        wanted = Wanted(
            segment.started_at, segment.ended_at, "incident investigation", "2026/17", "theft at the till",
            track_id, epoch if epoch is not None else segment.epoch,
        )  # fmt: skip
        return request_create(acting_user=user, camera=segment.camera, wanted=wanted)

    return ask


@pytest.fixture
def opened(asked, alice, bob, worker, django_capture_on_commit_callbacks):
    """alice's grant, approved by bob, opened in her session, its parts prepared."""
    from apps.unmasking.services import grant_open, request_approve

    def open_(**how):
        request = asked(**how)
        request_approve(acting_user=bob, request=request, version=1)
        with django_capture_on_commit_callbacks(execute=True):
            grant = grant_open(acting_user=alice, request=request, session_key=SESSION)
        worker.work()
        return grant

    return open_
