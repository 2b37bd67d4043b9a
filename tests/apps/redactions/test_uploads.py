"""Uploads: stored while they arrive, refused in words, nothing left behind when they are refused."""

import io

import pytest
from django.test import Client

from apps.audit.models import AuditRecord
from apps.core import large_objects
from apps.core.errors import DomainError, Forbidden, Unavailable
from apps.core.objects import object_delete, object_get, objects_list
from apps.redactions import uploads
from apps.redactions.models import Redaction
from apps.registry.models import ModelVersion
from inference_workers.contracts.redactions import input_key
from tests.apps.redactions.conftest import FILM, form, upload

pytestmark = pytest.mark.django_db(transaction=True)
PURPOSE = {"X-Vidette-Purpose": "subject request"}


def _stored() -> list[str]:
    return [listed.key for portion in objects_list("redactions") for listed in portion]


@pytest.fixture(autouse=True)
def nothing_stored(worker):
    for key in _stored():
        object_delete(key)


def _post(user, content=FILM, name="gate.mp4", **fields):
    body, content_type = form(content, name=name, **fields)
    client = Client()
    client.force_login(user)
    return client.generic("POST", "/api/v1/redactions", body, content_type=content_type, headers=PURPOSE)


def test_a_form_of_curl_becomes_work(bob, worker):
    answer = _post(bob, targets="face", style="solid", audio="keep", editable="false")
    assert answer.status_code == 202, answer.content
    told = answer.json()
    assert (told["state"], told["filename"], told["options"]["style"]) == ("queued", "gate.mp4", "solid")
    assert answer["Location"].endswith(f"/api/v1/redactions/{told['id']}")
    assert object_get(input_key(told["id"])) == FILM
    assert worker.sent[0].job.options.audio.value == "keep"
    assert AuditRecord.objects.get(action="redaction.create").object_id == told["id"]
    assert not Redaction.objects.get().editable


def test_several_targets_and_masks_as_json(bob, worker):
    part = '--frontier\r\nContent-Disposition: form-data; name="targets"\r\n\r\n{}\r\n'
    extra = "".join(part.format(name) for name in ("text", "face")).encode()
    body, content_type = form(FILM, masks="[[[0,0],[0.2,0],[0.2,0.2]]]")
    ModelVersion.objects.create(name="pp-ocr", family="pp-ocr", task="text", sha256="cd" * 32)
    client = Client()
    client.force_login(bob)
    answer = client.generic(
        "POST", "/api/v1/redactions", extra + body, content_type=content_type, headers=PURPOSE
    )
    assert answer.status_code == 202, answer.content
    job = worker.sent[0].job
    assert (job.options.policy.targets, job.text_model.name) == (("face", "text"), "pp-ocr")
    assert job.options.masks == (((0.0, 0.0), (0.2, 0.0), (0.2, 0.2)),)


@pytest.mark.parametrize(
    ("content", "code", "status"),
    [
        (b"", "file_empty", 400),
        (b"GIF89a" + b"x" * 900, "file_format", 415),
        (b"MZ\x90\x00" + b"\x00" * 900, "file_format", 415),
        (b"<svg onload=alert(1)>", "file_format", 415),
        (b"#!/bin/sh\nrm -rf /\n", "file_format", 415),
        (b"#EXTM3U\nfile:///etc/passwd\n", "file_format", 415),
    ],
)
def test_what_is_no_picture_and_no_film_is_refused(bob, content, code, status):
    answer = _post(bob, content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert _stored() == []


def test_a_form_without_a_file_is_refused(bob):
    client = Client()
    client.force_login(bob)
    answer = client.post("/api/v1/redactions", {"style": "solid"}, headers=PURPOSE)
    assert (answer.status_code, answer.json()["code"]) == (400, "file_missing")


@pytest.mark.parametrize(
    "fields",
    [{"style": "sepia"}, {"audio": "loud"}, {"masks": "[[[0,0]]]"}, {"targets": "cat"}, {"masks": "{"}],
)
def test_wrong_choices_are_refused_and_the_file_goes(bob, fields):
    answer = _post(bob, **fields)
    assert answer.status_code in (400, 422), answer.content
    assert _stored() == []
    assert not Redaction.objects.exists()


def test_a_large_file_is_written_in_parts(bob, monkeypatch):
    monkeypatch.setattr(large_objects, "PART_BYTES", 5 * 1024 * 1024)
    content = FILM[:32] + bytes(12 * 1024 * 1024)
    told = _post(bob, content).json()
    assert object_get(input_key(told["id"])) == content
    assert told["input_bytes"] == len(content)


def test_too_large_is_said_before_the_body_is_read(bob, settings):
    settings.REDACTION_MAX_MB = 1
    body, content_type = form(bytes(3 * 1024 * 1024))
    unread = io.BytesIO(body)
    meta = {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": content_type}
    with pytest.raises(DomainError) as refused, uploads.upload_received(meta, unread):
        pass
    assert (refused.value.code, unread.tell()) == ("file_too_large", 0)


def test_a_length_that_lies_does_not_help(bob, monkeypatch):
    """The boundary may come later than was said: what counts is what arrives."""
    monkeypatch.setattr(uploads, "max_bytes", lambda: 1024)
    body, content_type = form(FILM[:32] + bytes(900_000))
    meta = {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": content_type}
    with pytest.raises(DomainError) as refused, uploads.upload_received(meta, io.BytesIO(body)):
        pass
    assert refused.value.code == "file_too_large"
    assert _stored() == []


def test_a_full_disk_is_said_before_the_body_is_read(bob, monkeypatch):
    monkeypatch.setattr(uploads, "free_bytes", lambda: 1000)
    answer = _post(bob)
    assert (answer.status_code, answer.json()["code"]) == (507, "no_space")


def test_an_upload_without_a_length_is_refused():
    with pytest.raises(DomainError) as refused, uploads.upload_received({}, io.BytesIO(b"")):
        pass
    assert refused.value.status == 411


def test_an_upload_that_breaks_off_leaves_nothing(bob):
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 70_000:
                raise OSError("gone")
            return super().read(1024)

    body, content_type = form(FILM[:32] + bytes(900_000))
    meta = {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": content_type}
    with pytest.raises(DomainError) as refused, uploads.upload_received(meta, Broken(body)):
        pass
    assert refused.value.code == "upload_interrupted"
    assert _stored() == []


def test_names_of_files_are_shown_and_never_become_paths(bob):
    told = _post(bob, name="../../etc/пример \u202e<img src=x>.mp4").json()
    assert "/" not in told["filename"]
    assert "\u202e" not in told["filename"]
    assert _stored() == [input_key(told["id"])]


def test_without_a_purpose_or_a_model_nothing_is_taken(bob):
    body, content_type = form()
    client = Client()
    client.force_login(bob)
    answer = client.generic("POST", "/api/v1/redactions", body, content_type=content_type)
    assert answer.json()["code"] == "purpose_required"
    ModelVersion.objects.all().delete()
    answer = _post(bob)
    assert (answer.status_code, answer.json()["code"]) == (503, "models_missing")


def test_without_a_record_there_is_no_work_and_no_file(bob, worker, monkeypatch):
    def refuse(**_):
        raise Unavailable("audit_unavailable", "no record")

    monkeypatch.setattr("apps.audit.services.record_change", refuse)
    with pytest.raises(Unavailable):
        upload(bob)
    assert (Redaction.objects.count(), worker.sent, _stored()) == (0, [], [])


@pytest.mark.parametrize("name", ["charlie", "erin", "adam"])
def test_others_redact_nothing(request, name):
    user = request.getfixturevalue(name)
    with pytest.raises(Forbidden):
        upload(user)
    assert _post(user).status_code == 403
    assert _stored() == []
