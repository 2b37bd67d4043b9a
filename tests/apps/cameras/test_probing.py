"""The test of a camera: asked in a message without secrets in the clear, answered step by step."""

import json

import pytest
from cryptography.fernet import Fernet
from django.conf import settings

from apps.audit.models import AuditRecord
from apps.cameras import probing
from apps.cameras.addresses import Credentials
from apps.cameras.services import credentials_set
from apps.core.errors import DomainError, Forbidden, NotFound, Unavailable
from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.names import PROBES
from inference_workers.contracts.probe import ProbeOutcome, ProbeRequest, ProbeStep


def _form(site, url: str = "rtsp://u:hunter2@10.20.0.7:554/stream1", **changes) -> probing.ProbeForm:
    return probing.ProbeForm(**{"kind": "rtsp", "url": url, "site": site} | changes)


def _request(redis) -> ProbeRequest:
    text = redis.lpop(PROBES)
    assert b"hunter2" not in text
    return decode(ProbeRequest, text)


def _opened(request: ProbeRequest) -> dict[str, str]:
    return json.loads(Fernet(settings.LEASE_KEY).decrypt(request.source.sealed_credentials.encode()))


def test_a_test_is_asked_for_and_on_record(adam, site_a, redis):
    probe_id = probing.probe_start(acting_user=adam, form=_form(site_a))
    request = _request(redis)
    assert (request.probe_id, request.source.url) == (probe_id, "rtsp://10.20.0.7:554/stream1")
    assert request.source.allowed_networks == ("10.20.0.0/16",)
    assert _opened(request) == {"username": "u", "password": "hunter2"}
    record = AuditRecord.objects.get(action="camera.probe")
    assert "hunter2" not in json.dumps(record.details)


def test_outcomes_are_read_again_and_again(adam, site_a, redis):
    probe_id = probing.probe_start(acting_user=adam, form=_form(site_a))
    reply_to = _request(redis).reply_to
    redis.rpush(reply_to, encode(ProbeOutcome(probe_id, ProbeStep.NAME, "ok")))
    for _ in range(2):
        probe = probing.probe_get(adam, probe_id)
        assert (list(probe.steps), probe.finished, probe.succeeded) == ([ProbeStep.NAME], False, False)
    redis.rpush(reply_to, encode(ProbeOutcome(probe_id, ProbeStep.CONNECT, "failed", "refused")))
    redis.rpush(reply_to, encode(ProbeOutcome(probe_id, None, "done")))
    probe = probing.probe_get(adam, probe_id)
    assert (probe.finished, probe.timed_out, probe.succeeded) == (True, False, False)


def test_nobody_answers_and_the_test_says_so(adam, site_a, redis, monkeypatch):
    monkeypatch.setattr(probing, "DEADLINE_S", -3.0)
    probe = probing.probe_get(adam, probing.probe_start(acting_user=adam, form=_form(site_a)))
    assert (probe.finished, probe.timed_out, probe.succeeded) == (True, True, False)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("rtsp://10.20.0.7:554/other", True),
        ("rtsp://10.20.0.8:554/stream1", False),
        ("rtsp://10.20.0.7:8554/stream1", False),
        ("rtsps://10.20.0.7:554/stream1", False),
    ],
)
def test_a_stored_password_is_told_to_its_own_host_only(adam, site_a, camera, redis, url, sent):
    credentials_set(acting_user=adam, camera=camera, version=1, credentials=Credentials("u", "hunter2"))
    probing.probe_start(acting_user=adam, form=_form(site_a, url, camera=camera))
    assert (_request(redis).source.sealed_credentials is not None) == sent


def test_a_test_belongs_to_who_asked(adam, charlie, bob, site_a, redis):
    probe_id = probing.probe_start(acting_user=adam, form=_form(site_a))
    with pytest.raises(NotFound):
        probing.probe_get(adam, "3f1d2c84-6f0e-4d7b-9a40-2f8f2c6f3a10")
    for user in (charlie, bob):
        with pytest.raises(Forbidden):
            probing.probe_get(user, probe_id)
        with pytest.raises(Forbidden):
            probing.probe_start(acting_user=user, form=_form(site_a))


def test_it_refuses_bad_addresses_and_too_many(adam, site_a, redis):
    with pytest.raises(DomainError):
        probing.probe_start(acting_user=adam, form=_form(site_a, "file:///etc/passwd"))
    for _ in range(probing.MAX_WAITING):
        probing.probe_start(acting_user=adam, form=_form(site_a))
    with pytest.raises(Unavailable):
        probing.probe_start(acting_user=adam, form=_form(site_a))
