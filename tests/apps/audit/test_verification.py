"""Every kind of tampering is found, and the right record is named."""

from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.audit import services as audit
from apps.audit.chain import TEXT_FIELDS, record_hash
from apps.audit.models import AuditHead, AuditRecord
from apps.audit.selectors import chain_verify

LENGTH = 8  # the first record and seven more

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_triggers", "chain")]

repeated = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def chain():
    for number in range(1, LENGTH):
        audit.record_access(
            action="snapshot.view",
            object_type="event",
            object_id=str(number),
            camera_id=uuid4(),
            redacted=True,
            details={"number": number, "share": number / 7},
        )


class _Undo(Exception):
    pass


def verdict_after(tamper):
    """What the check says after `tamper`, which is undone again."""
    try:
        with transaction.atomic():
            tamper()
            verdict = chain_verify()
            raise _Undo
    except _Undo:
        return verdict


def row(seq):
    return AuditRecord.objects.filter(seq=seq)


def new_value(record, field, text):
    values = {
        "at": record.at + timedelta(microseconds=1),
        "camera_id": uuid4(),
        "redacted": None if record.redacted else True,
        "details": {**record.details, "extra": text},
        "previous_hash": record.hash,
        "hash": "f" * 64,
    }
    return values[field] if field in values else getattr(record, field) + text


def test_an_untouched_chain_is_good():
    assert chain_verify().ok
    assert chain_verify().checked == LENGTH


@repeated
@given(
    seq=st.integers(0, LENGTH - 1),
    field=st.sampled_from([*TEXT_FIELDS, "at", "camera_id", "redacted", "details", "previous_hash", "hash"]),
    text=st.text(st.characters(codec="ascii", exclude_characters="\x00"), min_size=1, max_size=3),
)
def test_any_changed_field_names_its_record(seq, field, text):
    record = AuditRecord.objects.get(seq=seq)
    verdict = verdict_after(lambda: row(seq).update(**{field: new_value(record, field, text)}))
    assert verdict.first_bad_seq == seq
    assert "was changed" in verdict.reason


@repeated
@given(seqs=st.sets(st.integers(0, LENGTH - 1), min_size=1))
def test_removed_rows_name_the_first_that_is_missing(seqs):
    verdict = verdict_after(lambda: AuditRecord.objects.filter(seq__in=seqs).delete())
    assert verdict.first_bad_seq == min(seqs)
    assert "is missing" in verdict.reason


@repeated
@given(pair=st.sets(st.integers(0, LENGTH - 1), min_size=2, max_size=2))
def test_two_swapped_rows_name_the_first_of_them(pair):
    first, second = sorted(pair)

    def swap():
        row(first).update(seq=-1)
        row(second).update(seq=first)
        row(-1).update(seq=second)

    assert verdict_after(swap).first_bad_seq == first


@repeated
@given(cut=st.integers(1, LENGTH))
def test_a_cut_tail_names_the_first_record_that_is_gone(cut):
    verdict = verdict_after(lambda: AuditRecord.objects.filter(seq__gte=LENGTH - cut).delete())
    assert verdict.first_bad_seq == LENGTH - cut


@repeated
@given(seq=st.integers(0, LENGTH - 1))
def test_a_row_rewritten_with_a_fitting_hash_is_named_by_its_follower_or_the_head(seq):
    def rewrite():
        record = AuditRecord.objects.get(seq=seq)
        record.purpose = "something better"
        row(seq).update(purpose=record.purpose, hash=record_hash(record))

    verdict = verdict_after(rewrite)
    assert verdict.first_bad_seq == seq
    assert "was rewritten" in verdict.reason


def test_removed_rows_that_are_renumbered_are_found():
    def renumber():
        row(3).delete()
        for seq in range(4, LENGTH):
            row(seq).update(seq=F("seq") - 1)

    assert verdict_after(renumber).first_bad_seq == 3


def test_a_row_added_behind_the_head_is_found():
    def add():
        record = AuditRecord.objects.get(seq=LENGTH - 1)
        record.seq, record.previous_hash = LENGTH, record.hash
        record.hash = record_hash(record)
        record.save(force_insert=True)

    verdict = verdict_after(add)
    assert verdict.first_bad_seq == LENGTH
    assert "was added" in verdict.reason


def test_a_missing_head_is_found():
    assert not verdict_after(AuditHead.objects.all().delete).ok


def test_a_head_with_another_hash_names_the_last_record():
    verdict = verdict_after(lambda: AuditHead.objects.update(hash="0" * 64))
    assert verdict.first_bad_seq == LENGTH - 1


if connection.vendor == "sqlite":  # the columns of PostgreSQL cannot hold such values

    @pytest.mark.parametrize(
        ("column", "value"), [("details", "{broken"), ("at", "yesterday"), ("camera_id", "x")]
    )
    def test_a_row_that_cannot_be_read_is_named(column, value):
        def break_row():
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA ignore_check_constraints=ON")
                try:
                    cursor.execute(f"UPDATE audit_auditrecord SET {column} = %s WHERE seq = 5", [value])
                finally:  # the connection outlives this test
                    cursor.execute("PRAGMA ignore_check_constraints=OFF")

        assert verdict_after(break_row).first_bad_seq == 5


def test_a_check_from_a_later_record_trusts_what_lies_before():
    row(2).update(purpose="changed")
    assert chain_verify(since=3).ok
    assert chain_verify(since=3).checked == LENGTH - 3
    assert chain_verify(since=2).first_bad_seq == 2


def test_the_command_says_that_all_is_well():
    out = StringIO()
    call_command("audit", "verify", stdout=out)
    assert f"{LENGTH} records" in out.getvalue()


def test_the_command_names_the_record_and_fails():
    row(4).update(actor_name="nobody")
    with pytest.raises(CommandError, match="record 4 was changed") as caught:
        call_command("audit", "verify", stdout=StringIO())
    assert caught.value.returncode == 1


def test_the_command_shows_the_last_records():
    out = StringIO()
    call_command("audit", "show", "--last", "2", stdout=out)
    assert [line.split()[0] for line in out.getvalue().splitlines()] == [f"#{LENGTH - 2}", f"#{LENGTH - 1}"]
