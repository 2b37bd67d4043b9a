"""Windows of model versions into the database: once, checked, and gone with what they are about."""

import json
from dataclasses import replace
from uuid import uuid4

import pytest

from apps.detections.results import Outcome, ResultBatch
from apps.registry.models import ModelVersion
from apps.rollouts.models import VersionWindow
from apps.rollouts.results import window_apply
from inference_workers.contracts.codec import ContractError, decode, encode
from inference_workers.contracts.comparison import LATENCY_BUCKETS, Beside, Role, Seen
from inference_workers.contracts.comparison import VersionWindow as WindowMessage
from tests.apps.dispatch.messages import MODEL, send, window


@pytest.fixture
def version(db: None) -> ModelVersion:
    return ModelVersion.objects.create(name=MODEL.name, sha256=MODEL.sha256, family="yolox", task="detection")


def shadow(camera: object, version: ModelVersion, **changes: object) -> WindowMessage:
    beside = Beside(str(uuid4()), "cd" * 32, Seen(frames=3), matched=2, only_base=1, only_candidate=4)
    return replace(window(camera, version), role=Role.SHADOW, beside=beside, **changes)


def test_the_recorder_keeps_windows_of_both_roles_once(redis, camera, version):
    from apps.dispatch.recorder import Recorder

    messages = [window(camera.pk, version), shadow(camera.pk, version, skipped=7)]
    send(redis, *messages, *messages)
    recorder = Recorder(redis, consumer="test")
    recorder.drain()
    serving, beside = VersionWindow.objects.order_by("role")
    assert (recorder.counts["applied"], recorder.counts["repeated"]) == (2, 2)
    assert (serving.role, serving.frames, serving.sha256) == ("serving", 3, MODEL.sha256)
    assert serving.counts["seen"]["detections"] == {"person": 4}
    assert serving.counts["seen"]["latency"]["cpu/1"][:3] == [0, 3, 0]
    assert "beside" not in serving.counts
    assert (beside.counts["skipped"], beside.counts["beside"]["only_candidate"]) == (7, 4)
    assert (beside.ended_at - beside.started_at).total_seconds() == 5


@pytest.mark.parametrize(
    "change",
    [
        {"ended_at": 1_790_000_000.0},
        {"ended_at": 1_790_009_000.0},
        {"started_at": 5.0, "ended_at": 6.0},
        {"sha256": "nonsense"},
        {"errors": -1},
        {"seen": Seen(latency={"cpu/1": (1, 2, 3)})},
        {"seen": Seen(latency={"cpu/1": (-1,) * LATENCY_BUCKETS})},
        {"seen": Seen(latency={"sundial/1": (0,) * LATENCY_BUCKETS})},
        {"seen": Seen(latency={"cpu/0": (0,) * LATENCY_BUCKETS})},
        {"seen": Seen(latency={f"wall/{i}": (0,) * LATENCY_BUCKETS for i in range(1, 200)})},
        {"version_id": "motion-mog2"},
        {"role": Role.SHADOW},
        {"seen": Seen(frames=-1)},
        {"seen": Seen(scores=(1,) * 19)},
        {"seen": Seen(detections={f"class {i}": 1 for i in range(200)})},
    ],
)
def test_a_window_that_cannot_be_is_refused(camera, version, change):
    with pytest.raises(ContractError):
        window_apply(window(camera.pk, version, **change), ResultBatch())
    assert not VersionWindow.objects.exists()


def test_windows_of_what_is_gone_are_let_go(camera, version):
    batch = ResultBatch()
    assert window_apply(window(camera.pk, uuid4()), batch) is Outcome.UNKNOWN
    assert window_apply(window(uuid4(), version), batch) is Outcome.UNKNOWN


@pytest.mark.database_neutral
def test_a_window_of_a_release_before_is_refused_by_name():
    """Its times are of another clock and another edge: read as today's they would accuse a version."""
    old = json.loads(encode(window(uuid4(), uuid4())))
    old["latency_ms"] = [0] * 30
    with pytest.raises(ContractError, match=r"unknown fields.*latency_ms"):
        decode(WindowMessage, json.dumps(old))


@pytest.mark.database_neutral
def test_a_window_travels_unchanged():
    message = shadow(uuid4(), uuid4())
    assert decode(WindowMessage, encode(message)) == message
