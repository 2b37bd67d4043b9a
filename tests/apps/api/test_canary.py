"""A camera's password, planted: it is in no answer, record, log, error or lease in the clear."""

import json
import logging

import pytest
from django.test import Client

from apps.audit.models import AuditRecord
from apps.cameras.models import Camera, CameraCredential
from apps.dispatch.models import LeaseChange
from inference_workers.contracts.names import LEASES
from tests.apps.purposes import purpose_add

CANARY = "CANARY-7f3a9e"
TYPED = f"rtsp://admin:{CANARY}@10.20.0.9:554/stream1"


@pytest.fixture
def api(adam, redis_url):
    client = Client(raise_request_exception=False)
    client.force_login(adam, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def _post(api, path, body, method="post"):
    return getattr(api, method)(f"/api/v1/{path}", body, content_type="application/json")


@pytest.mark.django_db(transaction=True)
def test_the_canary_is_seen_nowhere(api, site_a, redis, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    body = {"site": str(site_a.pk), "name": "Door", "kind": "rtsp", "url": TYPED}
    created = _post(api, "cameras", body)
    assert created.status_code == 201
    camera = Camera.objects.get()
    purpose_add(camera)  # a camera without an entry in the register has no lease to look into
    answers = [
        created,
        _post(api, "cameras", body),
        _post(api, "cameras", body | {"name": "x", "kind": "mjpeg"}),
        _post(api, "cameras", body | {"name": "y", "url": TYPED + "/a b"}),
        _post(api, "cameras", body | {"name": "z" * 500}),
        _post(api, "cameras", "{" + TYPED),
        _post(api, "probes", {"site": str(site_a.pk), "kind": "rtsp", "url": TYPED}),
        _post(api, f"cameras/{camera.pk}", {"version": 1, "url": TYPED, "read_text": True}, "patch"),
        _post(api, f"cameras/{camera.pk}", {"version": 1, "url": TYPED}, "patch"),
        _post(
            api,
            f"cameras/{camera.pk}/credentials",
            {"version": 2, "username": "admin", "password": CANARY},
            "put",
        ),
        api.get("/api/v1/cameras"),
        api.get(f"/api/v1/cameras/{camera.pk}"),
        api.get(f"/api/v1/streams/{camera.pk}"),
        api.get(f"/cameras/{camera.pk}/"),
        api.get(f"/cameras/{camera.pk}/edit/"),
    ]
    refused = {1: 409, 2: 422, 3: 422, 4: 400, 5: 400, 8: 409}
    expected = [201, *(refused.get(place, 200) for place in range(1, 6)), 202]
    expected += [refused.get(place, 200) for place in range(7, len(answers))]
    assert [answer.status_code for answer in answers] == expected
    stored = [
        *map(str, AuditRecord.objects.values_list("details", flat=True)),
        *map(str, LeaseChange.objects.values_list("contents", flat=True)),
        *map(str, Camera.objects.values()),
        *map(str, CameraCredential.objects.values_list("lease_sealed", flat=True)),
        *(bytes(row).decode("latin-1") for row in CameraCredential.objects.values_list("sealed", flat=True)),
    ]
    lease = json.loads(redis.hget(LEASES, str(camera.pk)))
    assert lease["source"]["sealed_credentials"]
    redis_values = [redis.dump(key).decode("latin-1") for key in redis.keys("*")]
    out, err = capfd.readouterr()
    places = {
        "answers": [answer.content.decode() for answer in answers],
        "tables": stored,
        "redis": [*redis_values, json.dumps(lease)],
        "logs": [out, err, caplog.text],
    }
    assert {name for name, texts in places.items() if any(CANARY in text for text in texts)} == set()
