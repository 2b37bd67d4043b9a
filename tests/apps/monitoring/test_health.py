"""/healthz, /readyz and /metrics: what they say, in which words, and to whom."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from apps.accounts.models import Role, User
from apps.cameras.models import Camera, Site
from apps.core.errors import Forbidden
from apps.core.redis import client as redis_client
from apps.detections.models import FrameAccount
from apps.monitoring.heartbeats import heartbeats
from apps.monitoring.selectors import system_health
from inference_workers.contracts.codec import encode
from inference_workers.contracts.lease import Lease, Source, SourceKind
from inference_workers.contracts.names import HEARTBEATS, LEASES, QUEUE_GPU, RESULTS
from inference_workers.tasks.counters import SIZE_BUCKETS, Counters

pytestmark = pytest.mark.django_db
CANARY = "CANARY-91f3"


@pytest.fixture(autouse=True)
def empty_redis(redis_url: str) -> None:
    """Every test starts without heartbeats and leases."""


@pytest.fixture
def camera() -> Camera:
    site = Site.objects.create(name="Harbour office")
    return Camera.objects.create(site=site, name="Lobby", kind="synthetic", url="clock")


@pytest.fixture
def dead_redis(settings: Any) -> Iterator[None]:
    settings.REDIS_URL = f"redis://:{CANARY}@127.0.0.1:1/0"
    redis_client.cache_clear()
    yield
    redis_client.cache_clear()


def lease(camera: Camera, valid_for_s: float) -> str:
    now = time.time()
    return encode(
        Lease(
            lease_id="l", camera_id=str(camera.pk), camera_name="Lobby", time_zone="UTC", issued_at=now,
            valid_until=now + valid_for_s, revision=1, source=Source(SourceKind.SYNTHETIC, "clock"),
            stages=(),
        )
    )  # fmt: skip


def checks(client: Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()["checks"]


def test_healthz_asks_nobody(client: Client, dead_redis: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "Set-Cookie" not in answer.headers


def test_readyz_is_ready_without_cameras(client: Client) -> None:
    status, found = checks(client)
    assert status == 200, found
    assert set(found) == {"database", "migrations", "redis", "objects", "leases"}


def test_readyz_names_missing_and_stale_leases(client: Client, camera: Camera) -> None:
    assert checks(client)[0] == 503
    redis_client().hset(LEASES, str(camera.pk), lease(camera, -1))
    status, found = checks(client)
    assert status == 503
    assert "1 of 1 cameras have no valid lease" in found["leases"]["detail"]
    redis_client().hset(LEASES, str(camera.pk), lease(camera, 20))
    assert checks(client)[0] == 200


def test_a_broken_lease_is_no_lease(client: Client, camera: Camera) -> None:
    redis_client().hset(LEASES, str(camera.pk), '{"valid_until": 99999999999}')
    assert checks(client)[0] == 503


def test_readyz_says_that_redis_is_away_without_its_password(client: Client, dead_redis: None) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "Redis does not answer" in answer.json()["checks"]["redis"]["detail"]
    assert CANARY not in answer.content.decode()


def test_readyz_says_that_the_object_store_is_away(client: Client, settings: Any) -> None:
    settings.OBJECT_STORE_URL = "file:///proc/1/nowhere"
    status, found = checks(client)
    assert status == 503
    assert "object store" in found["objects"]["detail"]


def test_readyz_names_migrations_that_wait(client: Client) -> None:
    MigrationRecorder.Migration.objects.filter(app="usersessions").delete()
    status, found = checks(client)
    assert status == 503
    assert "manage.py migrate" in found["migrations"]["detail"]


def test_metrics_follow_the_frames(client: Client, camera: Camera) -> None:
    for epoch, closed in (("a", True), ("b", False)):
        FrameAccount.objects.create(
            camera=camera, epoch=epoch, started_at="2026-01-01T00:00Z", at="2026-01-01T00:01Z", closed=closed,
            captured=100, analysed=60, in_flight=0 if closed else 5, skipped={"rate": 30},
            lost={"ring_full": 10 if closed else 5},
        )  # fmt: skip
    text = client.get("/metrics").content.decode()
    name = f'camera="{camera.pk}"'
    assert f'vidette_frames_total{{{name},outcome="captured",reason=""}} 200.0' in text
    assert f'vidette_frames_total{{{name},outcome="lost",reason="ring_full"}} 15.0' in text
    assert f"vidette_frames_in_flight{{{name}}} 5.0" in text


def test_metrics_hold_the_heartbeats_and_histograms_of_the_worker(client: Client) -> None:
    counters = Counters()
    counters.add("batches", 3)
    counters.error("frame_gone")
    for value in (4.0, 40.0, 40000.0):
        counters.observe("infer_ms.faces", value)
    counters.observe("batch_size", 4, SIZE_BUCKETS)
    beat = {"at": time.time() - 3, "pid": 7, "rss_bytes": 1000, "metrics": counters.as_dict()}
    redis_client().hset(HEARTBEATS, "gpu", json.dumps(beat))
    text = client.get("/metrics").content.decode()
    assert 'vidette_inference_total{process="gpu",what="batches"} 3.0' in text
    assert 'vidette_inference_errors_total{code="frame_gone",process="gpu"} 1.0' in text
    assert 'vidette_inference_infer_ms_bucket{le="50.0",process="gpu",stage="faces"} 2.0' in text
    assert 'vidette_inference_infer_ms_bucket{le="+Inf",process="gpu",stage="faces"} 3.0' in text
    assert 'vidette_inference_batch_size_count{process="gpu",stage=""} 1.0' in text
    assert 'vidette_process_resident_bytes{process="gpu"} 1000.0' in text


def test_metrics_count_what_waits(client: Client) -> None:
    redis_client().xadd(RESULTS, {"type": "x", "data": "{}"})
    redis_client().rpush(QUEUE_GPU, "{}", "{}")
    text = client.get("/metrics").content.decode()
    assert "vidette_results_waiting 1.0" in text
    assert 'vidette_queue_tasks{queue="gpu"} 2.0' in text
    assert 'vidette_queue_tasks{queue="control"} 0.0' in text


def test_metrics_without_redis_still_answer(client: Client, dead_redis: None) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert "vidette_redis_up 0.0" in answer.content.decode()


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "192.0.2.7"}, 404),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7"}, 404),
        ({"REMOTE_ADDR": ""}, 404),
    ],
)
def test_metrics_without_a_token_are_for_this_machine(
    client: Client, extra: dict[str, Any], status: int
) -> None:
    assert client.get("/metrics", **extra).status_code == status


@pytest.mark.parametrize(
    ("offered", "status"), [("Bearer right-token", 200), ("Bearer wrong", 404), ("", 404), ("Bearer é", 404)]
)
def test_metrics_with_a_token_need_it_from_everywhere(
    client: Client, settings: Any, offered: str, status: int
) -> None:
    settings.METRICS_TOKEN = "right-token"
    assert client.get("/metrics", headers={"Authorization": offered}).status_code == status


def test_heartbeats_leave_out_nonsense_and_the_long_gone() -> None:
    now = time.time()
    lines = {
        "gpu": json.dumps({"at": now - 1, "pid": 1}),
        "old": json.dumps({"at": now - 90_000, "pid": 1}),
        "broken": "{",
        "list": "[]",
        "nan": '{"at": "x"}',
    }
    redis_client().hset(HEARTBEATS, mapping=lines)
    (beat,) = heartbeats(now)
    assert (beat.process, beat.fresh, round(beat.age_s)) == ("gpu", True, 1)
    assert not replace(beat, age_s=31.0).fresh


def test_the_health_page_is_by_role(dead_redis: None) -> None:
    adam = User.objects.create(username="adam", role=Role.ADMINISTRATOR)
    health = system_health(adam)
    assert health.processes is None
    assert not health.ready
    with pytest.raises(Forbidden):
        system_health(User.objects.create(username="robot", role=Role.INTEGRATOR))
