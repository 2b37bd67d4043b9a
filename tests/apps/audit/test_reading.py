"""Answers for compliance: who saw what, when, and why."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection

from apps.audit import selectors
from apps.audit import services as audit
from apps.audit.models import AuditRecord
from apps.audit.tasks import record_settings, verify_chain
from apps.core import clock
from apps.core.context import AuditContext, audit_context

pytestmark = pytest.mark.django_db

LOBBY, GATE = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)


def seen(actor, camera_id, at, monkeypatch, **values):
    monkeypatch.setattr(clock, "now", lambda: at)
    context = AuditContext(f"id-{actor}", actor, "operator", "192.0.2.1", "r" * 32, "live monitoring")
    with audit_context(context):
        return audit.record_access(
            **{
                "action": "snapshot.view",
                "object_type": "event",
                "object_id": "e1",
                "camera_id": camera_id,
                "redacted": True,
                **values,
            }
        )


@pytest.fixture
def rows(monkeypatch):
    return {
        "alice": seen("alice", LOBBY, NOON, monkeypatch),
        "dana": seen("dana", LOBBY, NOON + timedelta(hours=2), monkeypatch),
        "gate": seen("alice", GATE, NOON, monkeypatch, action="event.view"),
        "change": audit.record_change(
            action="camera.update", object_type="camera", object_id="c", camera_id=LOBBY
        ),
    }


def test_who_saw_a_camera_between_two_times(rows):
    found = selectors.who_saw(LOBBY, since=NOON, until=NOON + timedelta(hours=1))
    assert [row.actor_name for row in found] == ["alice"]


def test_a_viewing_that_began_before_and_lasted_into_the_span_counts(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(seconds=20))
    audit.record_viewing(
        camera_id=LOBBY,
        started_at=NOON - timedelta(seconds=10),
        ended_at=NOON + timedelta(seconds=20),
        pictures=300,
        redacted=True,
        models={},
    )
    assert selectors.who_saw(LOBBY, since=NOON, until=NOON + timedelta(seconds=5)).count() == 1
    assert selectors.who_saw(LOBBY, since=NOON - timedelta(hours=1), until=NOON).count() == 1
    early = NOON - timedelta(seconds=30)
    assert not selectors.who_saw(LOBBY, since=early, until=early + timedelta(seconds=10)).exists()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, {"alice", "dana", "gate", "change"}),
        ({"camera_id": LOBBY}, {"alice", "dana", "change"}),
        ({"actor": "alice"}, {"alice", "gate"}),
        ({"actor": "id-dana"}, {"dana"}),
        ({"actor": "ali"}, set()),
        ({"action": "event.view"}, {"gate"}),
        ({"kind": "change"}, {"change"}),
        ({"since": NOON + timedelta(hours=1), "camera_id": LOBBY, "kind": "access"}, {"dana"}),
        ({"until": NOON + timedelta(hours=1), "camera_id": LOBBY}, {"alice", "change"}),
        ({"text": "MONITORING"}, {"alice", "dana", "gate"}),
        ({"text": "' OR 1=1 --"}, set()),
    ],
)
def test_every_filter_narrows(filters, expected, rows):
    found = {row.seq for row in selectors.records_search(**filters) if row.seq}
    assert found == {rows[name].seq for name in expected}


def test_the_newest_comes_first(rows):
    numbers = [row.seq for row in selectors.records_search()]
    assert numbers == sorted(numbers, reverse=True)


def test_who_saw_a_camera_uses_an_index(rows):
    plan = selectors.who_saw(LOBBY, since=NOON, until=NOON + timedelta(hours=1)).explain()
    if connection.vendor == "sqlite":
        assert "audit_camera_at" in plan
    else:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        plan = selectors.who_saw(LOBBY, since=NOON, until=NOON + timedelta(hours=1)).explain()
        assert "Index" in plan


def test_the_daily_check_leaves_its_outcome_in_the_record(rows):
    assert selectors.last_verification() is None
    assert verify_chain()
    found = selectors.last_verification()
    expected = {
        "ok": True,
        "checked": 5,
        "first_bad": None,
        "reason": "",
        "time_stamps": 0,
        "bad_time_stamps": [],
    }
    assert found.details == {**expected, "checkpoints": 0, "covered": None, "not_outside": 0}
    assert found.actor_name == "control"


@pytest.mark.usefixtures("without_triggers")
def test_the_daily_check_of_a_broken_chain_is_an_error_in_the_log(rows, caplog):
    AuditRecord.objects.filter(pk=rows["dana"].pk).update(actor_name="nobody")
    assert not verify_chain()
    assert f"record {rows['dana'].seq} was changed" in caplog.text
    assert selectors.last_verification().details["first_bad"] == rows["dana"].seq


def test_the_account_that_made_the_tables_could_alter_them():
    assert selectors.owner_can_alter_record()


def test_camera_ids_are_compared_whole(rows):
    assert not selectors.records_search(camera_id=uuid4()).exists()


def test_changed_settings_are_on_record_once_and_no_secret_is(settings):
    assert record_settings()
    assert not record_settings()
    settings.BIND = "0.0.0.0"
    assert record_settings()
    entry = AuditRecord.objects.filter(action="settings.changed").order_by("-seq").first()
    assert entry.details["changed"] == {"BIND": ["127.0.0.1", "0.0.0.0"]}
    for secret in (settings.SECRET_KEY, settings.FIELD_KEY, settings.LEASE_KEY, settings.RECORD_KEY):
        assert secret not in str(entry.details)
