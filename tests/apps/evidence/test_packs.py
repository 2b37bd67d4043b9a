"""A pack holds what it says, names what was changed in it, and leaves the house on record alone."""

import hashlib
import io
import json
import random
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from apps.audit.chain import canonical
from apps.audit.keys import public_keys
from apps.audit.models import AuditRecord, RecordKind
from apps.audit.standalone.verify_record import Export
from apps.cameras.services import camera_update, zone_create
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, Forbidden, NotFound, Unavailable
from apps.core.objects import object_get, object_put
from apps.dispatch.leases import lease_for
from apps.evidence import building, services
from apps.evidence.building import MAX_ATTEMPTS, pack_build, packs_sweep
from apps.evidence.models import EvidencePack, PackState
from apps.evidence.selectors import pack_get
from apps.evidence.services import Wanted, pack_create, pack_delete, pack_open
from apps.evidence.standalone import verify_pack
from apps.monitoring.models import LeakGuard
from apps.recordings.media import segment_response
from apps.recordings.models import OriginalKey, Segment
from apps.retention.services import hold_place, retention_sweep
from tests.apps.evidence.conftest import JPEG, found_in, rebuilt, resigned
from tests.apps.recordings.conftest import FILE

pytestmark = pytest.mark.django_db
FLIPS = 1000
SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]


def test_a_pack_holds_files_manifest_signature_and_record(pack, data, filmed):
    first, second, event = filmed
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    manifest = json.loads(archive.read("manifest.json"))
    told = {file["name"]: file for file in manifest["files"]}
    assert archive.namelist() == ["manifest.json", "signature.json", *told]
    assert [file["segment"]["id"] for file in told.values() if file["kind"] == "segment"] == [
        str(first.pk), str(second.pk),
    ]  # fmt: skip
    (picture,) = [file for file in told.values() if file["kind"] == "snapshot"]
    assert archive.read(picture["name"]) == JPEG
    for name, file in told.items():
        assert hashlib.sha256(archive.read(name)).hexdigest() == file["sha256"]
    assert manifest["events"][0]["id"] == str(event.pk)
    assert manifest["case"] == "2026/17"
    assert manifest["asked_by"]["name"] == "bob"
    assert pack.sha256 == hashlib.sha256(data).hexdigest()


def test_the_extract_of_the_record_holds_who_saw_it_and_is_proven(bob, alice, camera, wanted, filmed):
    segment_response(alice, filmed[0].pk, "theft")
    row = pack_create(acting_user=bob, camera=camera, wanted=wanted)
    assert pack_build(row.pk)
    row.refresh_from_db()
    archive = zipfile.ZipFile(io.BytesIO(object_get(row.object_key)))
    export = Export(key=",".join(public_keys().values()), outside=None)
    export.read(archive.open("record.jsonl"))
    told = [json.loads(line) for line in archive.open("record.jsonl")]
    actions = [line["record"]["action"] for line in told if line["type"] == "record"]
    assert actions == ["segment.view", "evidence.create"]
    assert export.records == row.facts["records"] == 2


def test_how_it_was_filmed_is_in_a_pack_and_other_cases_and_addresses_are_not(
    bob, adam, camera, wanted, filmed
):
    zone_create(acting_user=adam, camera=camera, name="Door", kind="watch", polygon=SQUARE)
    hold = {"reason": "an injured colleague", "expires_at": now() + timedelta(days=1)}
    hold_place(acting_user=bob, camera=camera, since=wanted.since, until=wanted.until, **hold)
    camera_update(
        acting_user=adam, camera=camera, version=camera.version, changes={"url": "rtsp://10.20.0.8:554/yard"}
    )
    lease_for(camera)
    EvidencePack.objects.all().delete()
    late = replace(wanted, until=now() + timedelta(minutes=1))
    row = pack_create(acting_user=bob, camera=camera, wanted=late)
    assert pack_build(row.pk)
    row.refresh_from_db()
    data = object_get(row.object_key)
    manifest = json.loads(zipfile.ZipFile(io.BytesIO(data)).read("manifest.json"))
    assert manifest["leases"][0]["settings"]["stages"]
    assert b"10.20.0" not in data
    assert b"injured colleague" not in data
    assert b'"action":"zone.create"' in data


def test_every_one_of_a_thousand_flipped_bits_is_found_and_named(data):
    """Wherever it is: in a film, between two files, in the signature, in the list at the end."""
    assert found_in(data) == []
    chance = random.Random(20261124)
    spans = _spans(data)
    # Half anywhere, half where the archive's own bytes are.
    places = [chance.randrange(len(data) * 8) for _flip in range(FLIPS // 2)]
    places += [chance.choice(range(*chance.choice(spans)[1:])) * 8 + chance.randrange(8) for _ in places]
    for place in places:
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        where = next(name for name, start, end in spans if start <= place // 8 < end)
        found = found_in(bytes(flipped))
        assert found == [where], f"bit {place % 8} of byte {place // 8} in {where}: {found}"


def _spans(data):
    """Each file with its header, and what follows the last one."""
    infos = zipfile.ZipFile(io.BytesIO(data)).infolist()
    ends = [info.header_offset for info in infos[1:]]
    last = infos[-1].header_offset + 30 + len(infos[-1].filename) + infos[-1].file_size
    spans = [(info.filename, info.header_offset, end) for info, end in zip(infos, [*ends, last], strict=True)]
    return [*spans, (verify_pack.DIRECTORY, last, len(data))]


def test_a_cut_and_a_lengthened_pack_are_found(data):
    assert found_in(data[:-1]) == [verify_pack.DIRECTORY]
    assert found_in(data + b"x") == [verify_pack.DIRECTORY]
    assert found_in(data[: len(data) // 2]) != []
    assert found_in(b"") == ["unreadable"]
    assert found_in(b"PK" + b"\0" * 100) != []


def test_a_key_that_is_not_trusted_is_refused(data):
    assert found_in(data, tuple(public_keys().values())) == []
    assert found_in(data, ("ab" * 32,)) == ["signature.json"]


def test_the_command_and_the_script_say_the_same(data, tmp_path, capsys):
    path = tmp_path / "pack.zip"
    path.write_bytes(data)
    call_command("evidence", "verify", str(path))
    printed = capsys.readouterr().out
    assert printed.startswith("Intact")
    assert "Entries of the record in it: 1, proven" in printed
    call_command("evidence", "verifiers", str(tmp_path / "tools"))
    script = [sys.executable, "-I", str(tmp_path / "tools/verify_pack.py"), str(path)]
    said = subprocess.run(script, capture_output=True, check=True, text=True).stdout
    assert said.startswith("Intact")
    assert "Entries of the record in it: 1, proven" in said
    at = data.index(FILE) + 40
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    with pytest.raises(CommandError, match="segment-0001"):
        call_command("evidence", "verify", str(path))
    said = subprocess.run(script, capture_output=True, check=False, text=True)
    assert said.returncode == 1
    assert said.stdout.startswith("segment-0001")


def test_a_segment_that_is_not_the_recorded_one_makes_no_pack(bob, camera, wanted, filmed):
    object_put(filmed[0].object_key, b"another film")
    row = pack_create(acting_user=bob, camera=camera, wanted=wanted)
    assert not pack_build(row.pk)
    row.refresh_from_db()
    assert (row.state, row.error_code) == (PackState.FAILED, "file_changed")


def test_a_chosen_pack_holds_what_was_chosen(bob, camera, wanted, filmed):
    items = {"segments": [str(filmed[1].pk)], "events": []}
    chosen = Wanted(wanted.since, wanted.until, "x", "c", "r", items=items)
    row = pack_create(acting_user=bob, camera=camera, wanted=chosen)
    assert packs_sweep() == 1
    row.refresh_from_db()
    assert (row.facts["segments"], row.facts["events"]) == (1, 0)


def test_a_download_is_on_record_before_it_leaves(bob, pack, data):
    response = pack_open(bob, pack, purpose="court")
    assert b"".join(response.streaming_content) == data
    row = AuditRecord.objects.get(kind=RecordKind.ACCESS, action="evidence.download")
    assert (row.actor_name, row.camera_id, row.purpose, row.redacted) == (
        "bob",
        pack.camera_id,
        "court",
        True,
    )
    assert row.details["sha256"] == pack.sha256


def test_no_record_no_pack(bob, camera, wanted, pack, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise Unavailable("audit_unavailable", "the record cannot be written")

    for name in ("record_change", "record_access", "record_system"):
        monkeypatch.setattr(f"apps.audit.services.{name}", refuse)
    for act in (
        lambda: pack_create(acting_user=bob, camera=camera, wanted=wanted),
        lambda: pack_open(bob, pack, purpose="x"),
        lambda: pack_delete(acting_user=bob, pack=pack),
    ):
        with pytest.raises(Unavailable):
            act()
    assert list(EvidencePack.objects.all()) == [pack]


def test_leaks_that_wait_for_review_stop_exports(bob, camera, wanted, pack):
    waiting = pack_create(acting_user=bob, camera=camera, wanted=wanted)
    LeakGuard.objects.create(camera=camera, exports_quarantined_at=now())
    for act in (
        lambda: pack_create(acting_user=bob, camera=camera, wanted=wanted),
        lambda: pack_open(bob, pack, purpose="x"),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "exports_quarantined"
    assert not pack_build(waiting.pk)


@pytest.mark.parametrize("name", ["alice", "charlie", "dana", "erin", "adam"])
def test_only_compliance_exports(name, request, camera, wanted, pack):
    user = request.getfixturevalue(name)
    for act in (
        lambda: pack_create(acting_user=user, camera=camera, wanted=wanted),
        lambda: pack_get(user, pack.pk),
        lambda: pack_open(user, pack, purpose="x"),
        lambda: pack_delete(acting_user=user, pack=pack),
    ):
        with pytest.raises(Forbidden):
            act()


def test_spans_that_cannot_be_and_empty_ones_are_refused(bob, camera, wanted):
    for since, until in ((wanted.until, wanted.since), (wanted.since, wanted.since + timedelta(hours=25))):
        with pytest.raises(DomainError):
            pack_create(acting_user=bob, camera=camera, wanted=Wanted(since, until, "p", "c", "r"))
    empty = Wanted(now() - timedelta(days=30), now() - timedelta(days=29, hours=23), "p", "c", "r")
    with pytest.raises(DomainError) as refused:
        pack_create(acting_user=bob, camera=camera, wanted=empty)
    assert refused.value.code == "nothing_recorded"


def test_a_pack_goes_with_the_first_thing_in_it_and_is_held_with_it(bob, camera, filmed, pack):
    assert pack.oldest_at == min(filmed[0].ended_at, filmed[2].last_seen_at)
    over, until = now() - timedelta(hours=90), now() - timedelta(hours=1)
    EvidencePack.objects.filter(pk=pack.pk).update(since=over, oldest_at=over, until=until)
    pack.refresh_from_db()
    hold = {"reason": "case", "expires_at": now() + timedelta(days=1)}
    hold_place(acting_user=bob, camera=camera, since=until - timedelta(hours=1), until=until, **hold)
    retention_sweep()
    assert EvidencePack.objects.filter(pk=pack.pk).exists()
    camera.holds.all().delete()
    retention_sweep()
    assert not EvidencePack.objects.filter(pk=pack.pk).exists()
    with pytest.raises(NotFound):
        object_get(pack.object_key)


def test_a_worker_that_died_is_followed_by_another_and_at_last_by_nobody(bob, camera, wanted):
    row = pack_create(acting_user=bob, camera=camera, wanted=wanted)
    over = {"state": PackState.RUNNING, "leased_until": now() - timedelta(seconds=1)}
    EvidencePack.objects.filter(pk=row.pk).update(**over, attempts=1)
    assert packs_sweep() == 1
    EvidencePack.objects.filter(pk=row.pk).update(**over, attempts=MAX_ATTEMPTS)
    assert packs_sweep() == 0
    row.refresh_from_db()
    assert (row.state, row.error_code) == (PackState.FAILED, "pack_given_up")


def test_one_pack_at_a_time(bob, camera, wanted):
    rows = [pack_create(acting_user=bob, camera=camera, wanted=wanted) for _number in range(2)]
    running = {"state": PackState.RUNNING, "leased_until": now() + timedelta(minutes=1)}
    EvidencePack.objects.filter(pk=rows[0].pk).update(**running)
    assert packs_sweep() == 0


def test_a_deleted_pack_is_gone(bob, pack, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        pack_delete(acting_user=bob, pack=pack)
    with pytest.raises(NotFound):
        object_get(pack.object_key)
    assert Segment.objects.count() == 2


def test_a_hold_keeps_a_pack_from_people_too(bob, camera, pack):
    hold = {"reason": "case", "expires_at": now() + timedelta(days=1)}
    hold_place(acting_user=bob, camera=camera, since=pack.since, until=pack.until, **hold)
    with pytest.raises(Conflict) as refused:
        pack_delete(acting_user=bob, pack=pack)
    assert refused.value.code == "pack_held"
    assert object_get(pack.object_key)


def test_a_hold_that_is_placed_meanwhile_keeps_a_pack(bob, camera, pack, monkeypatch):
    record, hold = services._record, {"reason": "case", "expires_at": now() + timedelta(days=1)}

    def then_held(*entry):
        hold_place(acting_user=bob, camera=camera, since=pack.since, until=pack.until, **hold)
        record(*entry)

    monkeypatch.setattr(services, "_record", then_held)
    with pytest.raises(Conflict):
        pack_delete(acting_user=bob, pack=pack)
    assert EvidencePack.objects.filter(pk=pack.pk).exists()
    assert object_get(pack.object_key)


def test_pictures_need_the_grant_to_watch_whoever_asks(frank, camera, wanted, pack):
    """frank is compliance and has no grant."""
    with pytest.raises(NotFound):
        pack_create(acting_user=frank, camera=camera, wanted=wanted)
    with pytest.raises(NotFound):
        pack_get(frank, pack.pk)
    refused = AuditRecord.objects.filter(kind=RecordKind.REFUSAL, actor_name="frank")
    assert set(refused.values_list("action", flat=True)) == {"camera.export_evidence", "evidence.open"}


def test_a_worker_that_comes_late_leaves_the_newer_file_alone(bob, camera, wanted, monkeypatch):
    """The first one is given up for dead while it writes; the second one makes the pack."""
    row = pack_create(acting_user=bob, camera=camera, wanted=wanted)
    built = building._build

    def slow(pack):
        made = built(pack)
        if pack.attempts == 1:
            EvidencePack.objects.filter(pk=row.pk).update(leased_until=now() - timedelta(seconds=1))
            assert pack_build(row.pk)
        return made

    monkeypatch.setattr(building, "_build", slow)
    assert not pack_build(row.pk)
    row.refresh_from_db()
    assert (row.state, row.attempts) == (PackState.DONE, 2)
    assert hashlib.sha256(object_get(row.object_key)).hexdigest() == row.sha256
    with pytest.raises(NotFound):
        object_get(row.object_key.replace("-2.zip", "-1.zip"))


def test_without_a_record_no_pack_is_ready_and_it_is_tried_again(bob, camera, wanted, monkeypatch):
    row = pack_create(acting_user=bob, camera=camera, wanted=wanted)

    def refuse(*_args, **_kwargs):
        raise Unavailable("audit_unavailable", "the record cannot be written")

    monkeypatch.setattr("apps.audit.services.record_system", refuse)
    assert not pack_build(row.pk)
    row.refresh_from_db()
    assert (row.state, row.error_code, row.object_key) == (PackState.QUEUED, "audit_unavailable", "")


def test_an_original_is_named_by_its_hash(bob, camera, wanted, filmed):
    key = OriginalKey.objects.create(
        camera_id=camera.pk, day=now().date(), public_key=b"x", fingerprint="fe" * 32, created_at=now()
    )
    facts = {"original_key": "originals/x", "original_sha256": "cd" * 32, "original_bytes": 9}
    Segment.objects.filter(pk=filmed[0].pk).update(**facts, sealed_under=key)
    row = pack_create(acting_user=bob, camera=camera, wanted=wanted)
    assert pack_build(row.pk)
    row.refresh_from_db()
    manifest = json.loads(zipfile.ZipFile(io.BytesIO(object_get(row.object_key))).read("manifest.json"))
    told = [file["segment"]["original"] for file in manifest["files"] if file["kind"] == "segment"]
    original = {"sealed_sha256": "cd" * 32, "sealed_bytes": 9, "kept": True, "sealed_under": "fe" * 32}
    assert told == [original, None]


def test_a_record_that_was_forged_before_it_was_packed_is_named(data, tmp_path):
    """Whoever holds the key can sign any file; the entries are still those of the chain, or named."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    lines = archive.read("record.jsonl").replace(b"incident investigation", b"maintenance")
    path = tmp_path / "pack.zip"
    path.write_bytes(resigned(data, "record.jsonl", lines))
    with pytest.raises(CommandError, match=r"record\.jsonl is not what was chained: record \d+ was changed"):
        call_command("evidence", "verify", str(path))


def test_nonsense_signatures_are_named_and_never_a_traceback(data):
    archive = zipfile.ZipFile(io.BytesIO(data))
    statement = json.loads(archive.read("signature.json"))
    for nonsense in (b"", b"[" * 100_000, b"[]", b"null", b'{"statement":1}', b"\xff",
                     canonical({**statement, "statement": {"kind": {}}})):  # fmt: skip
        assert found_in(rebuilt(data, {"signature.json": nonsense})) == ["signature.json"]
