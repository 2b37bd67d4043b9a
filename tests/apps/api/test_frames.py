"""A picture is posted, a real GPU worker analyses it, and the redacted picture comes back."""

import os
import subprocess
import sys
import time
from io import BytesIO

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from skimage import data

from apps.core.redis import client as redis_client
from apps.dispatch.models import WorkItem
from apps.registry.tasks import sync_models
from inference_workers.contracts.names import MODELS_PRESENT

PURPOSE = {"X-Vidette-Purpose": "incident 7"}


def _jpeg() -> bytes:
    file = BytesIO()
    Image.fromarray(data.astronaut()).save(file, "JPEG", quality=92)
    return file.getvalue()


@pytest.fixture
def api(erin) -> Client:
    client = Client()
    client.force_login(erin, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def worker(redis_url):
    environment = os.environ | {"VIDETTE_LEASE_KEY": settings.LEASE_KEY, "REDIS_URL": redis_url}
    process = subprocess.Popen(
        [
            sys.executable, "-m", "celery", "-A", "inference_workers.celery_app", "worker",
            "-Q", "gpu", "--pool", "solo", "--without-gossip", "--without-mingle", "--loglevel", "WARNING",
        ],
        env={name: value for name, value in environment.items() if name != "DJANGO_SETTINGS_MODULE"},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not redis_client().hlen(MODELS_PRESENT):
        assert process.poll() is None, "the worker ended"
        assert time.monotonic() < deadline, "the worker announced nothing"
        time.sleep(0.1)
    yield process
    process.terminate()
    process.wait(timeout=20)


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(180)
def test_a_posted_picture_comes_back_covered(api, worker):
    assert sync_models() > 0
    picture = _jpeg()
    answer = api.post("/api/v1/frames", picture, content_type="image/jpeg", headers=PURPOSE)
    if answer.status_code == 202:
        answer = _wait_for(api, answer.json()["id"])
    work = answer.json()
    assert (work["state"], work["width"], work["height"]) == ("done", 512, 512)
    assert "face" in {row["label"] for row in work["detections"]}
    assert work["served"]["faces"]
    shown = api.get(work["redacted_image"], headers=PURPOSE)
    assert (shown["Content-Type"], shown["X-Vidette-Redaction"]) == ("image/jpeg", work["redaction"])
    assert _changed_at_the_face(picture, shown.content) > 20
    assert not WorkItem.objects.exclude(state="done").exists()


def _wait_for(api: Client, work_id: str):
    for _ in range(300):
        answer = api.get(f"/api/v1/work/{work_id}", headers=PURPOSE)
        if answer.json()["state"] in ("done", "failed"):
            break
        time.sleep(0.2)
    return answer


def _changed_at_the_face(before: bytes, after: bytes) -> float:
    """Mean difference of the grey values where the face is."""
    crops = [Image.open(BytesIO(body)).convert("L").crop((190, 70, 260, 170)) for body in (before, after)]
    differences = [abs(one - other) for one, other in zip(*(crop.tobytes() for crop in crops), strict=True)]
    return sum(differences) / len(differences)


def test_a_form_is_taken_too(api, redis_url):
    file = SimpleUploadedFile("x.jpg", _jpeg(), content_type="text/html")
    answer = api.post("/api/v1/frames?script=cyrillic", {"image": file}, headers=PURPOSE)
    assert answer.status_code == 202
    assert WorkItem.objects.get().script == "cyrillic"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"GIF89a", "image/jpeg", 415, "image_format"),
        (b"", "image/jpeg", 400, "image_missing"),
        (b"{}", "application/json", 415, "unsupported_media_type"),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x", 400, "image_missing"),
    ],
)
def test_what_is_no_picture_is_refused(api, redis_url, body, content_type, status, code):
    answer = api.generic("POST", "/api/v1/frames", body, content_type=content_type)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"


def test_a_large_body_is_refused_before_it_is_read(api, redis_url):
    answer = api.generic("POST", "/api/v1/frames", b"x", content_type="image/jpeg", CONTENT_LENGTH=10**9)
    assert (answer.status_code, answer.json()["code"]) == (413, "image_too_large")


def test_a_picture_needs_a_purpose(api, erin):
    work = WorkItem.objects.create(owner=erin, request_sha256="x", input_key="x", state="done")
    answer = api.get(f"/api/v1/work/{work.pk}/picture")
    assert (answer.status_code, answer.json()["code"]) == (400, "purpose_required")
