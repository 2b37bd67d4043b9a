"""Signed checkpoints outside of the database find what the chain itself cannot tell."""

import hashlib
import json
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.utils import translation

from apps.audit import checkpoints, merkle, outside
from apps.audit import services as audit
from apps.audit.chain import canonical, record_hash
from apps.audit.keys import public_keys, signature_holds
from apps.audit.models import AuditCheckpoint, AuditHead, AuditRecord
from apps.audit.selectors import chain_verify, checkpoint_state
from apps.core import clock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path) -> Path:
    settings.CHECKPOINT_URL = (tmp_path / "checkpoints").as_uri()
    settings.CHECKPOINT_RECORDS = 4
    return tmp_path / "checkpoints"


def write(count):
    for _ in range(count):
        audit.record_access(action="event.view", object_type="event", object_id="1", details={"share": 0.5})


def rewrite(since, **values):
    """What the owner of the database can do: change records and make the whole rest fit again."""
    for record in AuditRecord.objects.filter(seq__gte=since).order_by("seq"):
        before = AuditRecord.objects.filter(seq=record.seq - 1).first()
        record.previous_hash = before.hash if before else record.previous_hash
        if record.seq == since:
            for name, value in values.items():
                setattr(record, name, value)
        record.hash = record_hash(record)
        record.save(force_update=True)
        AuditHead.objects.update(seq=record.seq, hash=record.hash)


def cut(since):
    AuditRecord.objects.filter(seq__gte=since).delete()
    last = AuditRecord.objects.order_by("-seq").first()
    AuditHead.objects.update(seq=last.seq, hash=last.hash)


def test_a_checkpoint_is_due_after_so_many_records_or_so_much_time(monkeypatch, settings):
    write(2)
    assert checkpoints.checkpoints_make() == 0
    write(1)
    assert checkpoints.checkpoints_make() == 1
    write(1)
    assert checkpoints.checkpoints_make() == 0
    later = clock.now() + timedelta(minutes=settings.CHECKPOINT_MINUTES, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert checkpoints.checkpoints_make() == 1
    assert checkpoints.checkpoints_make(force=True) == 0
    assert checkpoint_state().uncovered == 0


def test_a_long_span_becomes_several_that_follow_each_other(monkeypatch):
    monkeypatch.setattr(checkpoints, "MOST_RECORDS", 5)
    write(12)
    assert checkpoints.checkpoints_make(force=True) == 3
    verdict = chain_verify()
    assert verdict.ok
    assert (verdict.checkpoints, verdict.covered_seq, verdict.not_outside) == (3, 12, 0)


def test_the_copy_outside_is_signed_read_only_and_never_written_again(folder):
    write(4)
    checkpoints.checkpoints_make()
    (path,) = folder.iterdir()
    assert path.stat().st_mode & 0o222 == 0
    document = json.loads(path.read_bytes())
    statement = document["statement"]
    assert statement["hash"] == AuditHead.objects.get().hash
    assert signature_holds(public_keys()[statement["key_id"]], canonical(statement), document["signature"])
    assert not outside.outside_create(0, b"something else")
    assert json.loads(path.read_bytes()) == document


def test_a_chain_rewritten_as_a_whole_is_found_and_the_record_named(without_triggers):
    write(9)
    checkpoints.checkpoints_make(force=True)
    rewrite(5, actor_name="nobody")
    verdict = chain_verify()
    assert verdict.first_bad_seq == 5
    assert "was rewritten: checkpoint 0" in verdict.reason
    with translation.override("ru"):
        assert "переписана: в контрольной точке 0" in verdict.reason_words


def test_a_cut_tail_with_a_fitting_head_is_found(without_triggers):
    write(9)
    checkpoints.checkpoints_make(force=True)
    cut(7)
    verdict = chain_verify()
    assert verdict.first_bad_seq == 7
    assert "is missing" in verdict.reason


def test_without_the_folder_the_copies_in_the_database_still_find_it(without_triggers, folder):
    write(9)
    checkpoints.checkpoints_make(force=True)
    for path in folder.iterdir():
        path.unlink()
    assert chain_verify().not_outside == 1
    rewrite(5, purpose="another")
    assert chain_verify().first_bad_seq == 9


def test_a_database_set_back_with_its_checkpoints_does_not_pass(without_triggers):
    write(4)
    checkpoints.checkpoints_make(force=True)
    write(4)
    checkpoints.checkpoints_make(force=True)
    cut(5)
    AuditCheckpoint.objects.filter(number=1).delete()
    assert chain_verify().first_bad_seq == 5
    write(6)
    assert chain_verify().first_bad_seq == 5
    assert checkpoints.checkpoints_make(force=True) == 0, "another history must not be signed over the first"


@pytest.mark.parametrize("place", ["signature", "statement", "hashes"])
def test_a_changed_copy_outside_is_found(folder, place):
    write(4)
    checkpoints.checkpoints_make()
    (path,) = folder.iterdir()
    document = json.loads(path.read_bytes())
    if place == "signature":
        document["signature"] = "00" * 64
    elif place == "statement":
        document["statement"]["at"] = "2020-01-01T00:00:00.000000Z"
    else:
        document["hashes"][1] = "00" * 32
    path.chmod(0o644)
    path.write_bytes(canonical(document))
    assert "checkpoint 0 is not what was signed" in chain_verify().reason


def test_a_checkpoint_signed_by_a_stranger_is_refused(folder, settings):
    write(4)
    checkpoints.checkpoints_make()
    settings.RECORD_KEY = "A" * 43 + "="
    assert "not trusted here" in chain_verify().reason


def test_an_older_key_is_still_trusted_when_a_new_one_signs(settings):
    write(4)
    checkpoints.checkpoints_make()
    settings.RECORD_KEY = "A" * 43 + "=," + settings.RECORD_KEY
    write(4)
    assert checkpoints.checkpoints_make() == 1
    assert chain_verify().checkpoints == 2


def test_a_stop_between_the_two_copies_is_taken_up_again(monkeypatch):
    write(4)
    checkpoints.checkpoints_make()
    write(4)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "_store", _stop)
        with pytest.raises(RuntimeError, match="stopped"):
            checkpoints.checkpoints_make()
    write(2)
    assert checkpoints.checkpoints_make(force=True) == 2
    assert chain_verify().covered_seq == 10


def _stop(*args):
    raise RuntimeError("stopped")


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_auditcheckpoint SET last = 99", "DELETE FROM audit_auditcheckpoint"]
)
def test_the_database_refuses_to_change_its_copies(statement):
    from django.db import connection

    write(4)
    checkpoints.checkpoints_make()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert AuditCheckpoint.objects.get().last == 4


def test_the_command_signs_and_tells_the_key():
    write(2)
    out = StringIO()
    call_command("audit", "checkpoint", stdout=out)
    call_command("audit", "keys", stdout=out)
    call_command("audit", "verify", stdout=out)
    assert "number 0 covers record 2" in out.getvalue()
    assert next(iter(public_keys().values())) in out.getvalue()
    assert "1 signed checkpoints agree" in out.getvalue()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 100])
def test_every_leaf_of_a_tree_is_proven_and_no_other(size):
    hashes = [f"{number:064x}" for number in range(size)]
    tree = merkle.Tree(hashes)
    assert tree.root == _rfc6962(hashes)
    for index, value in enumerate(hashes):
        path = tree.path(index)
        assert merkle.root_of_path(value, index, size, path) == tree.root
        assert merkle.root_of_path("f" * 64, index, size, path) != tree.root
        with pytest.raises(ValueError, match="too long"):
            merkle.root_of_path(value, index, size, [*path, "00" * 32])


def _rfc6962(hashes):
    """The definition of RFC 6962 §2.1, word by word."""
    if len(hashes) == 1:
        return hashlib.sha256(b"\x00" + bytes.fromhex(hashes[0])).hexdigest()
    middle = max(power for power in (1 << bit for bit in range(20)) if power < len(hashes))
    halves = _rfc6962(hashes[:middle]), _rfc6962(hashes[middle:])
    return hashlib.sha256(b"\x01" + b"".join(map(bytes.fromhex, halves))).hexdigest()
