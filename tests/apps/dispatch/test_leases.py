"""What the data plane is allowed, and how fast it is told."""

import json

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from redis.exceptions import LockNotOwnedError

from apps.accounts.models import User
from apps.cameras import services as cameras
from apps.cameras.addresses import Credentials
from apps.dispatch.leases import lease_for
from apps.dispatch.models import LeaseChange
from apps.dispatch.services import leases_renew
from apps.recordings.policy import recording_policies
from apps.registry.models import ModelVersion
from inference_workers.contracts.codec import decode
from inference_workers.contracts.lease import Lease, Script, SourceKind, Stage
from inference_workers.contracts.names import LEASES, LEASES_CHANGED

SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]


@pytest.fixture
def models(db) -> dict[str, ModelVersion]:
    rows = [
        ("yolox-nano", "detection"),
        ("centerface", "face"),
        ("pp-ocr", "text"),
        ("motion-mog2", "motion"),
    ]
    return {
        name: ModelVersion.objects.create(name=name, family=name, task=task, sha256="ab" * 32)
        for name, task in rows
    }


def _stored(redis, camera) -> Lease | None:
    text = redis.hget(LEASES, str(camera.pk))
    return decode(Lease, text) if text else None


def test_it_says_what_may_be_done(adam, camera, models):
    cameras.camera_update(
        acting_user=adam,
        camera=camera,
        version=1,
        changes={"read_text": True, "script": "cyrillic", "redaction_target": "persons"},
    )
    cameras.zone_create(acting_user=adam, camera=camera, name="mask", kind="privacy_mask", polygon=SQUARE)
    lease = lease_for(camera)
    # Neither covers text nor has a cascade.
    assert set(lease.stages) == set(Stage) - {Stage.TEXT_BOXES, Stage.CLASSIFY}
    assert lease.source.kind == SourceKind.RTSP
    assert lease.source.allowed_networks == ("10.20.0.0/16",)
    assert (lease.time_zone, lease.script) == ("Europe/Helsinki", Script.CYRILLIC)
    assert lease.redaction.targets == ("face", "person")
    assert lease.zones[0].polygon == tuple(map(tuple, SQUARE))
    assert lease.models["detect"].version_id == str(models["yolox-nano"].pk)
    assert lease.valid_until - lease.issued_at == pytest.approx(settings.LEASE_TTL_S)


def test_a_stage_without_a_model_is_left_out_but_faces_stay(camera):
    assert lease_for(camera).stages == (Stage.VIEW, Stage.FACES)
    assert lease_for(camera).models == {}


def test_a_renewal_without_a_change_is_the_same_lease(adam, camera, models):
    first, second = lease_for(camera), lease_for(camera)
    assert (first.lease_id, first.revision) == (second.lease_id, second.revision) == (first.lease_id, 1)
    cameras.camera_update(acting_user=adam, camera=camera, version=1, changes={"analysis_fps": 2.0})
    third = lease_for(camera)
    assert (third.revision, LeaseChange.objects.get(revision=2).reason) == (2, "analysis_fps")
    assert str(LeaseChange.objects.get(revision=2).pk) == third.lease_id


def test_credentials_are_sealed_for_the_data_plane_and_stay_the_same_token(adam, camera):
    cameras.credentials_set(
        acting_user=adam, camera=camera, version=1, credentials=Credentials("u", "hunter2")
    )
    first, second = lease_for(camera), lease_for(camera)
    assert first.source.sealed_credentials == second.source.sealed_credentials
    opened = Fernet(settings.LEASE_KEY).decrypt(first.source.sealed_credentials.encode())
    assert json.loads(opened) == {"username": "u", "password": "hunter2"}
    contents = LeaseChange.objects.order_by("-revision")[0].contents
    assert contents["source"]["sealed_credentials"] is True


def test_a_new_lease_key_seals_anew(adam, camera, settings):
    cameras.credentials_set(acting_user=adam, camera=camera, version=1, credentials=Credentials("u", "p"))
    settings.LEASE_KEY = Fernet.generate_key().decode()
    token = lease_for(camera).source.sealed_credentials
    assert json.loads(Fernet(settings.LEASE_KEY).decrypt(token.encode()))["password"] == "p"


def test_renewal_writes_enabled_cameras_and_removes_the_others(adam, camera, camera_b, redis):
    redis.hset(LEASES, "gone", "{}")
    assert leases_renew() == 2
    assert {key.decode() for key in redis.hkeys(LEASES)} == {str(camera.pk), str(camera_b.pk)}
    cameras.camera_disable(acting_user=adam, camera=camera, version=1)
    assert leases_renew() == 1
    assert _stored(redis, camera) is None


@pytest.mark.django_db(transaction=True)
def test_a_change_reaches_the_data_plane_on_commit(adam: User, camera, redis):
    with redis.pubsub() as heard:
        heard.subscribe(LEASES_CHANGED)
        heard.get_message(timeout=1)
        cameras.camera_update(acting_user=adam, camera=camera, version=1, changes={"name": "Hall"})
        assert heard.get_message(timeout=1)["data"].decode() == str(camera.pk)
        assert _stored(redis, camera).camera_name == "Hall"
        cameras.zone_create(acting_user=adam, camera=camera, name="mask", kind="privacy_mask", polygon=SQUARE)
        assert _stored(redis, camera).zones[0].name == "mask"
        cameras.camera_disable(acting_user=adam, camera=camera, version=2)
        assert _stored(redis, camera) is None
        cameras.camera_enable(acting_user=adam, camera=camera, version=3)
        assert _stored(redis, camera) is not None
        cameras.camera_delete(acting_user=adam, camera=camera, version=4)
        assert redis.hlen(LEASES) == 0


@pytest.mark.django_db(transaction=True)
def test_a_change_succeeds_while_redis_is_away(adam, camera, monkeypatch):
    from redis.exceptions import ConnectionError as RedisAway

    def away():
        raise RedisAway("away")

    monkeypatch.setattr("apps.dispatch.services.client", away)
    cameras.camera_disable(acting_user=adam, camera=camera, version=1)
    camera.refresh_from_db()
    assert not camera.enabled


def test_a_renewal_that_took_too_long_does_not_write_over_a_withdrawal(redis, camera, models, monkeypatch):
    leases_renew()
    assert _stored(redis, camera) is not None

    def meanwhile(rows):
        """The lock ran out, and somebody who came in withdrew the lease."""
        redis.delete("vidette:leases:lock")
        redis.hdel(LEASES, str(camera.pk))
        return recording_policies(rows)

    monkeypatch.setattr("apps.dispatch.services.recording_policies", meanwhile)
    with pytest.raises(LockNotOwnedError):
        leases_renew()
    assert _stored(redis, camera) is None
