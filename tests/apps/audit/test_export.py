"""The standalone verifier names the first bad record of an export, whatever was done to it."""

import hashlib
import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from apps.audit import export
from apps.audit import services as audit
from apps.audit.chain import canonical
from apps.audit.checkpoints import checkpoints_make
from apps.audit.export import export_lines
from apps.audit.keys import public_keys
from apps.audit.models import AuditRecord
from apps.audit.selectors import records_search
from apps.audit.standalone import verify_record
from tests.apps.audit.test_checkpoints import cut, rewrite

pytestmark = pytest.mark.django_db

LOBBY = UUID(int=7)
RECORDS = 12


@pytest.fixture(autouse=True)
def folder(settings, tmp_path) -> Path:
    settings.CHECKPOINT_URL = (tmp_path / "checkpoints").as_uri()
    settings.CHECKPOINT_RECORDS = 5
    return tmp_path / "checkpoints"


@pytest.fixture
def chain():
    """Twelve records with everything that canonical JSON has to spell, eleven of them under a checkpoint."""
    for number in range(1, RECORDS):
        audit.record_access(
            action="event.view" if number % 3 else "snapshot.view",
            object_type="event",
            object_id=str(number),
            camera_id=LOBBY,
            details={"share": number / 7, "tiny": 1e-7, "вход": '𝄞 ✓ \x01 "q"', "n": [1, None, True]},
        )
        if number in (5, 10):
            checkpoints_make()


def exported(**filters):
    file = io.BytesIO()
    export_lines(file, records_search(**filters), made_by="bob", filters=filters)
    return file.getvalue().splitlines(keepends=True)


def verdict(lines, **options):
    """(first bad record, reason); (None, "") when all is well."""
    try:
        verify_record.Export(**options).read(lines)
    except verify_record.Bad as bad:
        return bad.seq, str(bad)
    return None, ""


def places(lines):
    """The line of each record, by its number."""
    parsed = [json.loads(line) for line in lines]
    return {row["record"]["seq"]: place for place, row in enumerate(parsed) if row["type"] == "record"}


def signed_again(lines):
    """The end of the file as a thief of the signing key would write it."""
    from apps.audit.export import LineWriter

    file = io.BytesIO()
    writer = LineWriter(file)
    for line in lines[:-1]:
        content = json.loads(line)
        writer.write(content.pop("type"), content)
    writer.end()
    return file.getvalue().splitlines(keepends=True)


WHOLE, PART = {}, {"action": "event.view"}
both = pytest.mark.parametrize("filters", [WHOLE, PART], ids=["whole", "part"])


@both
def test_what_was_exported_is_intact(chain, filters):
    lines = exported(**filters)
    assert verdict(lines) == (None, "")
    assert len(places(lines)) == (RECORDS if not filters else 8)


@both
def test_an_entry_that_comes_while_it_is_exported_stays_out(chain, filters, monkeypatch):
    spans = export._spans

    def then_seen(head):
        found = spans(head)
        audit.record_access(action="event.view", object_type="event", object_id="late", camera_id=LOBBY)
        return found

    monkeypatch.setattr(export, "_spans", then_seen)
    lines = exported(**filters)
    assert verdict(lines) == (None, "")
    assert max(places(lines)) < RECORDS


@both
@pytest.mark.parametrize("field", ["actor_name", "at", "details", "redacted", "camera_id", "previous_hash"])
def test_a_changed_field_names_its_record(chain, filters, field):
    lines = exported(**filters)
    content = json.loads(lines[places(lines)[7]])
    content["record"][field] = {"share": 2.5} if field == "details" else "changed"
    lines[places(lines)[7]] = canonical(content) + b"\n"
    assert verdict(lines)[0] == 7


@both
def test_a_record_that_is_spelled_in_another_way_is_named(chain, filters):
    """What stands in the file is what was hashed, to the byte: nothing is spelled anew before."""
    lines = exported(**filters)
    place = places(lines)[7]
    lines[place] = json.dumps(json.loads(lines[place])).encode() + b"\n"
    assert verdict(lines)[0] == 7


def test_a_record_that_follows_another_one_is_named_in_both_languages(chain):
    lines = exported()
    content = json.loads(lines[places(lines)[7]])
    content["record"]["previous_hash"] = "ab" * 32
    content["hash"] = hashlib.sha256(canonical(content["record"])).hexdigest()
    lines[places(lines)[7]] = canonical(content) + b"\n"
    with pytest.raises(verify_record.Bad) as found:
        verify_record.Export().read(lines)
    assert verify_record.worded(found.value.named) == (
        "Record 6 was rewritten: record 7 follows another one of that number."
    )
    assert verify_record.worded(found.value.named, "ru") == (
        "Запись 6 переписана: запись 7 следует за другой записью с этим номером."
    )


@both
def test_a_removed_row_is_named(chain, filters):
    lines = exported(**filters)
    del lines[places(lines)[7]]
    assert verdict(lines)[0] == 7
    assert verdict(signed_again(lines))[0] == 7


@both
def test_two_swapped_rows_name_the_first(chain, filters):
    lines = exported(**filters)
    first, second = places(lines)[4], places(lines)[8]
    lines[first], lines[second] = lines[second], lines[first]
    assert verdict(lines)[0] == 4


@both
@pytest.mark.parametrize("end", [True, False])
def test_a_cut_tail_names_the_first_record_that_is_gone(chain, filters, end):
    lines = exported(**filters)
    lines = lines[: places(lines)[10]] + (lines[-1:] if end else [])
    assert verdict(lines)[0] == 10


def test_a_record_rewritten_with_the_rest_is_named_by_the_signed_hashes(chain):
    lines = exported()
    previous = None
    for seq, place in places(lines).items():
        content = json.loads(lines[place])
        if seq >= 4:
            content["record"] |= {"actor_name": "nobody"} if seq == 4 else {"previous_hash": previous}
            content["hash"] = hashlib.sha256(canonical(content["record"])).hexdigest()
            lines[place] = canonical(content) + b"\n"
        previous = content["hash"]
    seq, reason = verdict(lines)
    assert seq == 4
    assert "checkpoint 0 holds another hash" in reason


def test_a_database_rewritten_before_the_export_is_named(chain, without_triggers):
    rewrite(4, actor_name="nobody")
    assert verdict(exported())[0] == 4


def test_a_rewritten_database_without_its_checkpoints_is_named_by_the_folder(
    chain, without_triggers, settings, folder
):
    from apps.audit.models import AuditCheckpoint

    rewrite(4, actor_name="nobody")
    AuditCheckpoint.objects.all().delete()
    settings.CHECKPOINT_URL = folder.with_name("empty").as_uri()
    checkpoints_make(force=True)
    lines = exported()
    assert verdict(lines) == (None, ""), "the export alone cannot tell"
    assert verdict(lines, outside=verify_record.checkpoints_of(folder))[0] == 4


def test_a_cut_database_is_named_by_the_folder(chain, without_triggers, settings, folder):
    from apps.audit.models import AuditCheckpoint

    cut(7)
    AuditCheckpoint.objects.filter(last__gt=6).delete()
    settings.CHECKPOINT_URL = folder.with_name("empty").as_uri()
    lines = exported()
    assert verdict(lines) == (None, "")
    assert verdict(lines, outside=verify_record.checkpoints_of(folder))[0] == 7


def test_a_record_that_was_missing_in_the_database_is_named(chain, without_triggers):
    AuditRecord.objects.filter(seq=8).delete()
    assert verdict(exported())[0] == 8


def test_a_foreign_record_in_a_part_is_named(chain):
    lines = exported(**PART)
    content = json.loads(lines[places(lines)[5]])
    content["record"]["purpose"] = "invented"
    content["hash"] = hashlib.sha256(canonical(content["record"])).hexdigest()
    lines[places(lines)[5]] = canonical(content) + b"\n"
    seq, reason = verdict(lines)
    assert seq == 5
    assert "not in the record that was signed" in reason


def test_another_key_than_the_one_noted_down_is_refused(chain):
    lines = exported()
    assert verdict(lines, key=next(iter(public_keys().values()))) == (None, "")
    assert "not trusted" in verdict(lines, key="ab" * 32)[1]


def test_every_changed_byte_is_found(chain):
    whole = b"".join(exported(since=datetime(2020, 1, 1, tzinfo=UTC), action="snapshot.view"))
    assert verdict(whole.splitlines(keepends=True)) == (None, "")
    step = max(1, len(whole) // 300)
    for place in range(0, len(whole) - 1, step):
        changed = bytearray(whole)
        changed[place] ^= 1
        try:
            found = verdict(bytes(changed).splitlines(keepends=True))
        except verify_record.Unreadable:
            continue
        assert found != (None, ""), f"byte {place}"


def test_it_runs_alone(chain, tmp_path):
    path = tmp_path / "record.jsonl"
    lines = exported()
    path.write_bytes(b"".join(lines))
    command = [sys.executable, "-I", verify_record.__file__, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "12 entries, the whole record" in done.stdout
    assert next(iter(public_keys())) in done.stdout
    del lines[places(lines)[3]]
    path.write_bytes(b"".join(lines))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("Record 3 is missing")
    path.write_bytes(b"{}")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2
