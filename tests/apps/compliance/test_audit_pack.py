"""The pack for the day of an audit: complete, signed, checked without the product, and on record itself."""

import csv
import hashlib
import io
import json
import re
import zipfile
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from apps.audit import services as audit
from apps.audit.keys import public_keys
from apps.audit.models import AuditRecord
from apps.audit.standalone import verify_record
from apps.compliance.contents import accesses_between, contents_of
from apps.compliance.services import audit_pack_make
from apps.consent.models import Consent, DataSubject
from apps.console.audit_report import TABLES, report_pdf
from apps.core.clock import now
from apps.core.errors import DomainError, Forbidden
from apps.evidence.standalone.verify_pack import Pack, check_record, worded
from apps.retention.services import hold_place
from apps.unmasking.models import UnmaskGrant, UnmaskRequest
from tests.apps.purposes import purpose_add

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.CHECKPOINT_URL = (tmp_path / "checkpoints").as_uri()


@pytest.fixture
def day(alice, bob, frank, camera):
    """A day with a viewer, a refused attempt, a consent, a hold, an unmasking; returns its span."""
    at = now()
    audit.record_viewing(
        camera_id=camera.pk, started_at=at - timedelta(seconds=40), ended_at=at - timedelta(seconds=10),
        pictures=270, redacted=True, models={"faces": "centerface@09189deaaf86"}, acting_user=alice,
        purpose="live monitoring",
    )  # fmt: skip
    audit.record_refusal(
        action="camera.watch_live", object_type="camera", object_id=str(camera.pk), acting_user=frank
    )
    subject = DataSubject.objects.create(reference="S-secret-17", contact_sealed=b"x")
    Consent.objects.create(
        subject=subject, stages=["view"], notice_version="1", notice_text="x", notice_sha256="ab" * 32,
        language="en", given_at=at, given_how="written", given_to="desk", recorded_by_name="bob",
    )  # fmt: skip
    hold_place(
        acting_user=bob, camera=camera, since=at - timedelta(hours=1), until=at, case="2026/4",
        reason='=HYPERLINK("x")', expires_at=at + timedelta(days=9),
    )  # fmt: skip
    UnmaskRequest.objects.create(
        camera=camera, since=at - timedelta(minutes=5), until=at, purpose="x", case="2026/5", reason="theft",
        requested_by=alice, requested_at=at,
    )  # fmt: skip
    purpose_add(camera)
    return at - timedelta(hours=2), at + timedelta(minutes=1)


@pytest.fixture
def packed(bob, day):
    """The bytes of the pack of the day."""
    with audit_pack_make(acting_user=bob, since=day[0], until=day[1], report=report_pdf).file as file:
        return file.read()


def typed(day):
    """The span as bob types it: on the clocks of the cameras."""
    since, until = (moment.astimezone(ZoneInfo("Europe/Helsinki")) for moment in day)
    return {"since": f"{since:%Y-%m-%dT%H:%M}", "until": f"{until:%Y-%m-%dT%H:%M}"}


def names_in(data):
    return zipfile.ZipFile(io.BytesIO(data)).namelist()


def read(data, name):
    return zipfile.ZipFile(io.BytesIO(data)).read(name)


def rows(data, name):
    return json.loads(read(data, f"data/{name}.json"))


def checked(data):
    """What the standalone verifier of packs finds, the extract of the record included."""
    pack = Pack(io.BytesIO(data), tuple(public_keys().values()))
    found = pack.check()
    return found, worded(check_record(pack, verify_record)) if not found else ""


def test_it_holds_all_that_an_auditor_asks_for(packed, camera):
    files = set(names_in(packed))
    tables = {f"data/{table.name}.{kind}" for table in TABLES for kind in ("json", "csv")}
    assert files >= tables | {"report.pdf", "record.jsonl", "data/accesses.csv", "manifest.json"}
    assert files >= {"verify.html", "verify_pack.py", "verify_record.py", "verify_record.html"}
    (seen,) = [row for row in rows(packed, "who_saw") if row["person"] == "alice"]
    assert (seen["camera"], seen["seconds_live"], seen["pictures"]) == (camera.name, 30, 270)
    assert seen["models"] == ["centerface@09189deaaf86"]
    assert rows(packed, "refusals") == [
        {"person": "frank", "role": "compliance", "action": "camera.watch_live", "times": 1}
    ]
    assert [row["case"] for row in rows(packed, "unmaskings")] == ["2026/5"]
    assert [row["case"] for row in rows(packed, "holds")] == ["2026/4"]
    assert rows(packed, "purposes")[0]["lawful_basis"]
    assert rows(packed, "retention_classes")[0]["hours"] == 72
    assert rows(packed, "consents")["by_state"] == {"standing": 1}
    assert rows(packed, "verification")["intact"] is True
    assert read(packed, "report.pdf").startswith(b"%PDF")


def test_who_saw_a_camera_is_told_to_the_last_second_of_the_span(alice, camera, day):
    """The block of the last half minute is entered after the span has ended."""
    since, until = day[0], day[1] - timedelta(seconds=80)
    (row,) = contents_of(since, until).tables["who_saw"]
    assert (row["camera"], row["person"], row["seconds_live"]) == (camera.name, "alice", 20)


def test_what_was_erased_for_a_person_is_among_the_certificates(day):
    audit.record_change(
        action="erasure.deleted", object_type="store", object_id="events", details={"case": "C-1", "rows": 2}
    )
    (row,) = contents_of(*day).tables["certificates"]
    assert (row["action"], row["object"], row["rows"]) == ("erasure.deleted", "events", 2)


def test_an_unmasking_was_watched_for_the_seconds_on_record(alice, camera, day):
    """A page that was closed in between and opened again showed nobody meanwhile; a grant is no model."""
    at, row = now(), UnmaskRequest.objects.get()
    grant = UnmaskGrant.objects.create(
        request=row, granted_at=at, open_until=at, opened_at=at - timedelta(minutes=10), seen_until=at,
        expires_at=at + timedelta(minutes=5),
    )  # fmt: skip
    for ago_s in (590, 10):
        started = at - timedelta(seconds=ago_s)
        audit.record_viewing(
            camera_id=camera.pk, started_at=started, ended_at=started + timedelta(seconds=7), pictures=0,
            redacted=False, models={"grant": str(grant.pk)}, acting_user=alice,
        )  # fmt: skip
    tables = contents_of(*day).tables
    assert [unmasking["seconds_watched"] for unmasking in tables["unmaskings"]] == [14]
    assert [seen["models"] for seen in tables["who_saw"]] == [["centerface@09189deaaf86"]]


def test_it_names_nobody_who_agreed(packed):
    for name in names_in(packed):
        if name.startswith("data/"):
            assert b"S-secret-17" not in read(packed, name), name


def test_its_extract_of_the_record_is_that_of_the_span(packed, day):
    lines = [json.loads(line) for line in read(packed, "record.jsonl").splitlines()]
    numbers = [line["record"]["seq"] for line in lines if line["type"] == "record"]
    expected = AuditRecord.objects.filter(at__gte=day[0], at__lt=day[1]).exclude(action="audit_pack.export")
    assert numbers == sorted(expected.values_list("seq", flat=True))
    accesses = list(csv.DictReader(io.StringIO(read(packed, "data/accesses.csv").decode("utf-8-sig"))))
    found = accesses_between(*day).exclude(action="audit_pack.export")
    assert len(accesses) == found.count() > 1


def test_the_verifiers_of_packs_check_it(packed):
    found, said = checked(packed)
    assert found == []
    assert re.search(r"Entries of the record in it: \d+, proven", said)


def test_one_flipped_bit_names_its_file(packed):
    archive = zipfile.ZipFile(io.BytesIO(packed))
    for info in archive.infolist()[2:]:
        place = info.header_offset + 30 + len(info.filename) + info.file_size // 2
        broken = bytearray(packed)
        broken[place] ^= 1
        found, _said = checked(bytes(broken))
        assert [bad.name for bad in found] == [info.filename]


def test_a_spreadsheet_takes_no_cell_for_a_formula(packed):
    (row,) = csv.DictReader(io.StringIO(read(packed, "data/holds.csv").decode("utf-8-sig")))
    assert row["reason"] == '\'=HYPERLINK("x")'
    assert rows(packed, "holds")[0]["reason"] == '=HYPERLINK("x")'


def test_it_is_on_record_with_its_hash(bob, day):
    client = Client()
    client.force_login(bob)
    answer = client.post("/audit-pack/", typed(day))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    entry = AuditRecord.objects.get(action="audit_pack.export")
    assert entry.details["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert entry.details["rows"]["unmaskings"] == 1
    assert (entry.actor_name, entry.request_id) == ("bob", answer["X-Request-ID"])


def test_a_broken_record_is_told_and_not_hidden(bob, day, monkeypatch):
    from apps.audit.verdict import Verdict

    broken = Verdict(checked=3, head_seq=9, first_bad_seq=4, template="was changed")
    monkeypatch.setattr("apps.compliance.contents.chain_verify", lambda: broken)
    with audit_pack_make(acting_user=bob, since=day[0], until=day[1], report=report_pdf).file as file:
        told = rows(file.read(), "verification")
    assert (told["intact"], told["first_bad"]) == (False, 4)


@pytest.mark.parametrize(("days", "code"), [(-1, "invalid_span"), (400, "invalid_span")])
def test_a_span_that_cannot_be(bob, days, code):
    until = now()
    with pytest.raises(DomainError) as refused:
        audit_pack_make(acting_user=bob, since=until - timedelta(days=days), until=until, report=report_pdf)
    assert refused.value.code == code


def test_too_much_is_refused_with_words(bob, day, monkeypatch):
    monkeypatch.setattr("apps.compliance.services.MOST_ENTRIES", 2)
    client = Client()
    client.force_login(bob)
    assert "at most 2 entries" in client.post("/audit-pack/", typed(day)).content.decode()


@pytest.mark.parametrize("name", ["alice", "charlie", "erin", "adam"])
def test_only_compliance_makes_one(name, request, day):
    with pytest.raises(Forbidden):
        audit_pack_make(
            acting_user=request.getfixturevalue(name), since=day[0], until=day[1], report=report_pdf
        )
