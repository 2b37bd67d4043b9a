"""What the record takes in, and when it refuses to."""

import math
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.audit import appending
from apps.audit import services as audit
from apps.audit.chain import clean_details, record_hash
from apps.audit.models import AuditHead, AuditRecord, RecordKind
from apps.audit.selectors import chain_verify
from apps.core.context import audit_context, context_for, system_context
from apps.core.errors import Unavailable

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice", role="operator")


def change(**values):
    return audit.record_change(**{"action": "site.create", "object_type": "site", "object_id": "1", **values})


def test_it_links_every_record_to_the_one_before():
    first, second = change(), change()
    assert second.seq == first.seq + 1
    assert second.previous_hash == first.hash
    assert AuditHead.objects.get().hash == second.hash


def test_it_takes_actor_address_purpose_and_request_from_the_context(alice):
    with audit_context(context_for(alice, address="192.0.2.7", request_id="a" * 32, purpose="training")):
        record = change()
    assert (record.actor_id, record.actor_name, record.actor_role) == (str(alice.pk), "alice", "operator")
    assert (record.address, record.request_id, record.purpose) == ("192.0.2.7", "a" * 32, "training")


def test_the_acting_user_is_the_actor_where_the_context_is_a_process(alice):
    with audit_context(system_context("seed")):
        record = change(acting_user=alice)
    assert (record.actor_name, record.purpose) == ("alice", "seed")


def test_it_names_the_process_where_nobody_acts():
    with audit_context(system_context("recorder")):
        assert change().actor_name == "recorder"


def test_viewing_is_sealed_with_times_pictures_and_models(alice):
    camera_id, start = uuid4(), datetime(2026, 5, 3, 12, tzinfo=UTC)
    with audit_context(context_for(alice)):
        record = audit.record_viewing(
            camera_id=camera_id,
            started_at=start,
            ended_at=start + timedelta(seconds=30),
            pictures=287,
            redacted=True,
            models={"faces": "centerface@1"},
        )
    assert record.kind == RecordKind.VIEWING
    assert record.redacted is True
    assert AuditRecord.objects.get(pk=record.pk).details == {
        "started_at": "2026-05-03T12:00:00.000000Z",
        "ended_at": "2026-05-03T12:00:30.000000Z",
        "pictures": 287,
        "models": {"faces": "centerface@1"},
    }


def test_the_stored_row_has_the_hash_that_was_written():
    details = {
        "number": 0.1,
        "large": 1e300,
        "whole": 3.0,
        "huge": 2**70,
        "minus": -0.0,
        "none": None,
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "list": [1, {"x": True}],
        "text": "вокзал 駅 \u202e",
    }
    record = change(details=details, camera_id=uuid4())
    assert record_hash(AuditRecord.objects.get(pk=record.pk)) == record.hash
    assert chain_verify().ok


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x" * 5000])
def test_hostile_text_is_stored_in_a_form_that_every_database_keeps(text):
    record = change(object_id=text, details={"text": text, text: 1})
    stored = AuditRecord.objects.get(pk=record.pk)
    assert len(stored.object_id) <= 64
    assert "\x00" not in stored.details["text"]
    assert chain_verify().ok


def test_credentials_in_an_address_never_enter_the_record():
    record = change(details={"url": "rtsp://admin:hunter2@camera.test/1"})
    assert "hunter2" not in str(record.details)


@pytest.mark.parametrize("key", ["password", "camera_password", "Authorization", "secret"])
def test_a_key_that_names_a_secret_is_refused(key):
    with pytest.raises(ValueError, match="names a secret"):
        change(details={key: "hunter2"})


@pytest.mark.parametrize("value", [object(), b"bytes", {1: 2}, [[[[[[[[1]]]]]]]]])
def test_details_that_are_no_json_are_refused(value):
    with pytest.raises(ValueError, match="details of the record"):
        clean_details({"value": value})


def test_a_float_that_is_no_number_is_kept_as_text():
    assert clean_details({"x": math.nan, "y": math.inf}) == {"x": "nan", "y": "inf"}


def test_without_a_head_nothing_is_recorded_and_the_change_is_undone(without_triggers):
    AuditHead.objects.all().delete()

    @transaction.atomic
    def make_mallory():
        User.objects.create_user("mallory")
        change()

    with pytest.raises(Unavailable) as caught:
        make_mallory()
    assert caught.value.code == "audit_unavailable"
    assert caught.value.status == 503
    assert not User.objects.filter(username="mallory").exists()


def test_a_failing_database_says_unavailable(monkeypatch):
    def broken(*args, **kwargs):
        raise DatabaseError("disk full")

    monkeypatch.setattr(appending, "_store", broken)
    with pytest.raises(Unavailable):
        change()


def test_an_entry_costs_its_change_few_round_trips():
    """The lock of the head, the row, the head's move; PostgreSQL takes the last two together."""
    with CaptureQueriesContext(connection) as queries:
        change()
    assert len(queries) == (2 if connection.vendor == "postgresql" else 3)


def test_a_head_that_stands_elsewhere_is_not_moved(monkeypatch):
    """Whatever became of the lock: a chain that went on meanwhile is not forked."""
    store = appending._store
    change()
    monkeypatch.setattr(
        appending, "_store", lambda records, head, after: store(records, head, after=after + 7)
    )
    with pytest.raises(Unavailable), transaction.atomic():
        change()
    assert AuditHead.objects.get().seq == AuditRecord.objects.count() - 1 == 1


@pytest.mark.django_db(transaction=True)
def test_a_change_or_access_outside_of_a_transaction_is_a_mistake():
    assert not connection.in_atomic_block
    for record in (audit.record_change, audit.record_access):
        with pytest.raises(RuntimeError, match="inside the transaction"):
            record(action="site.create", object_type="site", object_id="1")
    assert AuditRecord.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_record_goes_with_the_transaction_that_it_records():
    with transaction.atomic():
        change()
        transaction.set_rollback(True)
    assert AuditRecord.objects.count() == 1
    assert AuditHead.objects.get().seq == 0


def refuse(**values):
    return audit.record_refusal(
        **{"action": "camera.watch", "object_type": "camera", "object_id": "1", **values}
    )


@pytest.mark.django_db(transaction=True)
def test_a_refusal_outlives_the_transaction_in_which_it_was_made(alice):
    with audit_context(context_for(alice)):
        with transaction.atomic():
            assert refuse() is None
            transaction.set_rollback(True)
        assert not AuditRecord.objects.filter(kind=RecordKind.REFUSAL).exists()
    record = AuditRecord.objects.get(kind=RecordKind.REFUSAL)
    assert (record.action, record.actor_name) == ("camera.watch", "alice")


@pytest.mark.django_db(transaction=True)
def test_a_refusal_outside_of_a_transaction_is_written_at_once(alice):
    with audit_context(context_for(alice)):
        record = refuse(purpose="curiosity")
        assert record is not None
        assert AuditRecord.objects.get(pk=record.pk).purpose == "curiosity"


def test_the_name_of_the_token_is_in_the_record(alice):
    alice.token_scope = type("Token", (), {"name": "export job"})()
    with audit_context(context_for(alice)):
        assert change().details == {"token": "export job"}
