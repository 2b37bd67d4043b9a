"""The exports that people take away: signed, recorded, and harmless in a spreadsheet."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from weasyprint.urls import FatalURLFetchingError

from apps.audit import services as audit
from apps.audit.keys import public_keys
from apps.audit.models import AuditRecord
from apps.audit.standalone import verify_record
from apps.core.errors import Unavailable
from apps.core.pdf import pdf_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path) -> None:
    settings.CHECKPOINT_URL = (tmp_path / "checkpoints").as_uri()


@pytest.fixture
def compliance(bob) -> Client:
    client = Client()
    client.force_login(bob, backend="allauth.account.auth_backends.AuthenticationBackend")
    for name in ("=HYPERLINK(1)", "plain"):
        audit.record_access(action="event.view", object_type="event", object_id=name, details={"a": 0.5})
    return client


def download(client, **query):
    response = client.get(reverse("console:record_export"), query)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    return response.getvalue()


def run(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", verify_record.__file__, str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", ["csv", "json", "pdf"])
def test_an_export_is_signed_recorded_and_checks_itself(compliance, tmp_path, kind):
    path = tmp_path / "record.zip"
    path.write_bytes(download(compliance, format=kind, action="event.view"))
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        sha256 = json.loads(archive.read("signature.json"))["statement"]["sha256"]
    assert {"verify_record.py", "verify_record.html", "signature.json"} < names
    done = run(path)
    assert done.returncode == 0, done.stdout + done.stderr
    entry = AuditRecord.objects.get(action="record.export")
    assert entry.actor_name == "bob"
    assert entry.details["sha256"] == sha256
    assert entry.details["records"] == 2
    assert entry.details["filters"] == {"action": "event.view"}


@pytest.mark.parametrize("kind", ["csv", "pdf"])
def test_a_changed_file_is_found(compliance, tmp_path, kind):
    with zipfile.ZipFile(io.BytesIO(download(compliance, format=kind))) as archive:
        archive.extractall(tmp_path)
    file = tmp_path / f"record.{kind}"
    assert run(file).returncode == 0
    changed = bytearray(file.read_bytes())
    changed[len(changed) // 2] ^= 1
    file.write_bytes(changed)
    assert "was changed after it was signed" in run(file).stdout


def test_a_file_is_signed_with_one_of_the_keys_that_are_trusted(compliance, tmp_path):
    with zipfile.ZipFile(io.BytesIO(download(compliance, format="csv"))) as archive:
        archive.extractall(tmp_path)
    known = next(iter(public_keys().values()))
    assert run(tmp_path / "record.csv", "--key", f"{'ab' * 32}, {known.upper()}").returncode == 0
    foreign = run(tmp_path / "record.csv", "--key", "ab" * 32)
    assert (foreign.returncode, "the signature does not hold" in foreign.stdout) == (1, True)


def test_a_large_export_is_streamed(compliance, monkeypatch):
    monkeypatch.setattr("apps.console.downloads.SPOOL_BYTES", 1000)
    response = compliance.get(reverse("console:record_export"), {"format": "json"})
    assert response.streaming
    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as archive:
        assert archive.testzip() is None


def test_cells_that_would_be_formulas_are_quoted(compliance):
    with zipfile.ZipFile(io.BytesIO(download(compliance, format="csv"))) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("record.csv").decode("utf-8-sig"))))
    assert "'=HYPERLINK(1)" in {row["object_id"] for row in rows}
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


def test_a_pdf_opens_nothing_outside_of_itself(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("canary")
    with pytest.raises(FatalURLFetchingError, match="expected a data: address"):
        pdf_of(f'<img src="{secret.as_uri()}">')


def test_an_unknown_format_is_refused(compliance):
    assert compliance.get(reverse("console:record_export"), {"format": "exe"}).status_code == 400


def test_a_filter_that_cannot_be_read_exports_nothing(compliance):
    """Left out, it would hand over more than was asked for."""
    response = compliance.get(reverse("console:record_export"), {"format": "csv", "since": "yesterday"})
    assert response.status_code == 400
    assert "From" in response.content.decode()
    assert not AuditRecord.objects.filter(action="record.export").exists()


def test_an_export_of_who_saw_a_camera_names_what_narrowed_it(compliance, camera):
    with transaction.atomic():
        audit.record_access(
            action="event.view", object_type="event", object_id="1", camera_id=camera.pk, details={}
        )
    asked = {"camera_id": str(camera.pk), "seen": "on", "actor": "nobody"}
    data = zipfile.ZipFile(io.BytesIO(download(compliance, format="json", **asked))).read("record.jsonl")
    header, *_rest = map(json.loads, data.splitlines())
    assert header["filters"] == {"camera_id": str(camera.pk), "seen": True}
    assert len(header["numbers"]) == 1


def test_the_command_writes_the_whole_record(compliance, tmp_path, capsys):
    path = tmp_path / "record.zip"
    call_command("audit", "export", str(path))
    done = run(path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the whole record" in done.stdout
    assert AuditRecord.objects.get(action="record.export").kind == "system"


def test_the_command_leaves_no_file_that_is_not_on_record(db, tmp_path, monkeypatch):
    def refuse(**_entry):
        raise Unavailable("audit_unavailable", "the record cannot be written")

    path = tmp_path / "record.zip"
    with monkeypatch.context() as later:
        later.setattr("apps.audit.management.commands.audit.record_system", refuse)
        with pytest.raises(CommandError):
            call_command("audit", "export", str(path))
    assert not path.exists()
    path.write_bytes(b"somebody's own")
    with pytest.raises(CommandError):
        call_command("audit", "export", str(path))
    assert path.read_bytes() == b"somebody's own"
