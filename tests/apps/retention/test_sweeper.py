"""What is over goes, with its objects and a certificate; what is held or young stays."""

from datetime import timedelta

import pytest

from apps.audit.models import AuditRecord
from apps.core.clock import now
from apps.core.errors import NotFound, Unavailable
from apps.core.objects import object_get, object_put
from apps.detections.models import Event, EventFlag, Reading
from apps.dispatch.recorder import DEAD_LETTERS
from apps.retention import services
from apps.retention.models import DoomedObject, Sweep
from apps.retention.plan import Held
from apps.retention.selectors import dry_run

pytestmark = pytest.mark.django_db


def _gone(key):
    try:
        object_get(key)
    except NotFound:
        return True
    return False


def test_what_is_over_goes_with_its_picture(camera, seen):
    old, young = seen(camera, 80), seen(camera, 70)
    sweep = services.retention_sweep()
    assert list(Event.objects.all()) == [young]
    assert Reading.objects.count() == 1
    assert _gone(old.snapshot_key)
    assert not _gone(young.snapshot_key)
    assert sweep.counts == {"events": 1, "readings": 1}
    assert DoomedObject.objects.count() == 0


def test_a_flag_goes_with_its_event(camera, seen):
    event = seen(camera, 80)
    EventFlag.objects.create(event=event, reason="hard", flagged_by_id="x", flagged_by_name="alice")
    services.retention_sweep()
    assert EventFlag.objects.count() == 0


def test_a_picture_that_a_younger_row_names_stays(camera, seen):
    event = seen(camera, 60)
    Reading.objects.update(read_at=now() - timedelta(hours=80))
    services.retention_sweep()
    assert Reading.objects.count() == 0
    assert not _gone(event.snapshot_key)


def test_every_deletion_has_a_certificate(camera, seen):
    seen(camera, 80)
    sweep = services.retention_sweep()
    certificates = AuditRecord.objects.filter(action="retention.deleted").order_by("seq")
    assert [row.object_id for row in certificates] == ["readings", "events"]
    assert certificates[1].details["rows"] == 1
    assert certificates[1].details["objects"] == 1
    assert len(certificates[1].details["ids_sha256"]) == 64
    assert (sweep.first_seq, sweep.last_seq) == (certificates[0].seq, certificates[1].seq)


def test_no_record_no_deletion(camera, seen, request):
    event = seen(camera, 80)
    request.getfixturevalue("no_record")
    with pytest.raises(Unavailable):
        services.retention_sweep()
    assert Event.objects.count() == 1
    assert not _gone(event.snapshot_key)


def test_no_record_no_deletion_outside_of_the_database_either(redis, request):
    entry = f"{int((now() - timedelta(hours=80)).timestamp() * 1000)}-1"
    redis.execute_command("XADD", DEAD_LETTERS, entry, "data", "x")
    request.getfixturevalue("no_record")
    with pytest.raises(Unavailable):
        services.retention_sweep()
    assert redis.xlen(DEAD_LETTERS) == 1


def test_an_object_that_the_store_keeps_is_tried_again(camera, seen, monkeypatch):
    event = seen(camera, 80)
    from apps.retention.services import sweeper

    def refuse(key):
        raise Unavailable("objects_unavailable", "away")

    monkeypatch.setattr(sweeper, "object_delete", refuse)
    services.retention_sweep()
    assert [row.key for row in DoomedObject.objects.all()] == [event.snapshot_key]
    monkeypatch.undo()
    services.retention_sweep()
    assert _gone(event.snapshot_key)
    assert DoomedObject.objects.count() == 0


def test_an_object_that_no_row_names_goes_as_an_orphan(camera, seen, monkeypatch, settings, tmp_path):
    from apps.retention.services import sweeper

    settings.OBJECT_STORE_URL = tmp_path.as_uri()  # what other tests left would be orphans too
    kept = seen(camera, 1)
    lost = f"snapshots/{camera.pk}/2026-01-01/lost.jpg"
    object_put(lost, b"\xff\xd8\xff\xd9")
    monkeypatch.setattr(sweeper, "ORPHAN_AGE", timedelta(seconds=-5))
    services.retention_sweep(orphans=True)
    assert _gone(lost)
    assert not _gone(kept.snapshot_key)
    assert AuditRecord.objects.filter(object_id="readings.orphans").count() == 1


def test_nothing_to_do_leaves_no_trace(camera, seen):
    seen(camera, 1)
    assert services.retention_sweep() is None
    assert Sweep.objects.count() == 0


def test_a_hold_beats_the_class(bob, camera, camera_b, seen):
    held, other = seen(camera, 80), seen(camera_b, 80)
    hold = services.hold_place(
        acting_user=bob, camera=camera, since=held.first_seen_at, until=held.last_seen_at,
        reason="police request", case="2026/17", expires_at=now() + timedelta(days=30),
    )  # fmt: skip
    services.retention_sweep()
    assert list(Event.objects.all()) == [held]
    assert not Event.objects.filter(pk=other.pk).exists()
    rows = {row.name: row.census for row in dry_run()}
    assert (rows["events"].held, rows["events"].due) == (1, 0)
    services.hold_release(acting_user=bob, hold=hold, version=1, reason="case closed")
    services.retention_sweep()
    assert Event.objects.count() == 0


def _place(bob, camera, event):
    return services.hold_place(
        acting_user=bob, camera=camera, since=event.first_seen_at,
        until=event.last_seen_at + timedelta(seconds=1), reason="police request",
        expires_at=now() + timedelta(days=30),
    )  # fmt: skip


def test_a_hold_that_is_placed_while_the_sweeper_runs_holds(bob, camera, seen, monkeypatch):
    from apps.retention.services import sweeper

    event, plan_at = seen(camera, 80), sweeper.plan_at

    def then_held(at):
        plan = plan_at(at)
        _place(bob, camera, event)
        return plan

    monkeypatch.setattr(sweeper, "plan_at", then_held)
    services.retention_sweep()
    assert list(Event.objects.all()) == [event]
    assert Reading.objects.count() == 1


def test_a_hold_that_comes_during_a_step_takes_the_step_back(camera, seen, monkeypatch):
    from apps.retention.services import sweeper

    event = seen(camera, 80)
    hold = Held(camera.pk, event.first_seen_at, event.last_seen_at + timedelta(seconds=1))
    placed, certify = [], sweeper._certify

    def then_held(*step):
        placed.append(hold)
        return certify(*step)

    monkeypatch.setattr(sweeper, "_certify", then_held)
    monkeypatch.setattr(sweeper, "held_spans", lambda _at: tuple(placed))
    assert services.retention_sweep() is None
    assert list(Event.objects.all()) == [event]
    assert not _gone(event.snapshot_key)
    assert len(placed) == 1
    assert not AuditRecord.objects.filter(action="retention.deleted").exists()


def test_an_expired_hold_holds_nothing(bob, camera, seen):
    event = seen(camera, 80)
    services.hold_place(
        acting_user=bob, camera=camera, since=event.first_seen_at, until=event.last_seen_at,
        reason="police request", expires_at=now() + timedelta(hours=1),
    )  # fmt: skip
    services.retention_sweep(now() + timedelta(hours=2))
    assert Event.objects.count() == 0


def test_a_dry_run_counts_and_changes_nothing(camera, seen):
    seen(camera, 80)
    seen(camera, 1)
    rows = {row.name: row.census for row in dry_run()}
    assert (rows["events"].total, rows["events"].due, rows["events"].held) == (2, 1, 0)
    assert Event.objects.count() == 2
    assert AuditRecord.objects.filter(action="retention.deleted").count() == 0


def test_the_command_counts_first_and_deletes_when_told(camera, seen, capsys):
    from django.core.management import call_command

    seen(camera, 80)
    call_command("retention")
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("events")]
    assert line.split()[1:4] == ["1", "1", "0"]
    assert Event.objects.count() == 1
    call_command("retention", "--delete")
    assert "events: 1 deleted" in capsys.readouterr().out
    assert Event.objects.count() == 0
