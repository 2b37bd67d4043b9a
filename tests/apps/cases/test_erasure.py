"""An erasure: previewed, approved by a second person, executed as approved, or refused as a whole."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.audit.models import AuditRecord
from apps.audit.selectors import chain_verify
from apps.cases.models import Erasure
from apps.cases.services import (
    case_close,
    erasure_approve,
    erasure_execute,
    erasure_preview,
    erasure_refuse,
    items_add,
)
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, Forbidden, NotFound, Unavailable
from apps.core.objects import object_get, object_put
from apps.detections.models import Event, FeedEntry, Reading
from apps.dispatch.recorder import DEAD_LETTERS
from apps.recordings.models import OriginalKey, Segment
from apps.retention.services import hold_place

pytestmark = pytest.mark.django_db


@pytest.fixture
def collected(case, bob, camera, seen):
    """An erasure that was asked for, with one event of two hours ago collected."""

    def make(kind="erasure", events=1, **more):
        made = case(kind, **more)
        rows = [seen(camera, 2 + number) for number in range(events)]
        Event.objects.filter(pk__in=[row.pk for row in rows]).update(ended=True)
        items_add(acting_user=bob, case=made, chosen=[("event", str(row.pk)) for row in rows], purpose="x")
        return made, rows

    return make


@pytest.fixture
def executed(bob, frank, django_capture_on_commit_callbacks):
    """Previewed by bob, approved and executed by frank."""

    def run(made):
        erasure = erasure_preview(acting_user=bob, case=made)
        erasure_approve(acting_user=frank, erasure=erasure, version=1)
        with django_capture_on_commit_callbacks(execute=True):
            return erasure_execute(acting_user=frank, erasure=erasure, version=2)

    return run


def test_the_preview_counts_in_three_buckets_and_deletes_nothing(bob, collected, camera):
    made, (event,) = collected()
    held = Event.objects.create(
        camera=camera, epoch="e", track_id=9, label="person", confidence=1, lease_id="l", ended=True,
        first_seen_at=now() - timedelta(hours=9), last_seen_at=now() - timedelta(hours=9),
        model_name="m", model_sha256="ab" * 32,
    )  # fmt: skip
    items_add(acting_user=bob, case=made, chosen=[("event", str(held.pk))], purpose="x")
    hold_place(
        acting_user=bob, camera=camera, since=held.first_seen_at - timedelta(minutes=1),
        until=held.last_seen_at + timedelta(minutes=1), reason="court", expires_at=now() + timedelta(days=9),
    )  # fmt: skip
    erasure = erasure_preview(acting_user=bob, case=made)
    assert erasure.counts["erase"] == {"events": 1, "readings": 1}
    assert erasure.counts["cut"] == {"case_material": 1}
    kept = {(ground, store): n for ground, store, n in erasure.counts["kept"]}
    assert kept[("hold", "events")] == 1
    assert kept[("hold", "case_material")] == 1
    assert Event.objects.filter(pk__in=[event.pk, held.pk]).count() == 2


def test_what_was_approved_goes_with_its_objects_and_leaves_tombstones(collected, executed, record_intact):
    made, (event,) = collected()
    key = event.snapshot_key
    erasure = executed(made)
    assert erasure.state == "done"
    assert not Event.objects.filter(pk=event.pk).exists()
    assert not Reading.objects.filter(snapshot_key=key).exists()
    with pytest.raises(NotFound):
        object_get(key)
    item = made.items.get()
    assert (item.title, item.copy_key, bool(item.erased_at)) == ("", "", True)
    stones = AuditRecord.objects.filter(action="erasure.deleted")
    assert {row.object_id for row in stones} == {"events", "readings", "case_material"}
    assert str(event.pk) in stones.get(object_id="events").details["ids"]
    record_intact()


@pytest.fixture
def record_intact():
    """Older entries that name the event were not touched."""

    def check():
        assert chain_verify().ok

    return check


def test_lines_of_the_feed_stay_and_lead_nowhere(collected, executed, camera):
    made, (event,) = collected()
    line = FeedEntry.objects.create(
        seq=7, kind="event_created", event_id=event.pk, camera_id=camera.pk, at=now() - timedelta(hours=2)
    )
    executed(made)
    line.refresh_from_db()
    assert line.event_id is None


def test_nobody_approves_what_they_prepared_on_no_way(bob, collected, client):
    made, _rows = collected()
    erasure = erasure_preview(acting_user=bob, case=made)
    with pytest.raises(DomainError) as refused:
        erasure_approve(acting_user=bob, erasure=erasure, version=1)
    assert refused.value.code == "second_person_required"
    assert AuditRecord.objects.filter(action="erasure.self_approval", actor_name="bob").exists()
    for changes in (
        {"state": "approved", "decided_by": bob},
        {"state": "approved"},
        {"state": "done", "executed_at": now()},
        {"state": "done", "decided_by": bob, "executed_at": now()},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Erasure.objects.filter(pk=erasure.pk).update(**changes)


@pytest.mark.parametrize("name", ["charlie", "alice", "adam"])
def test_others_do_nothing_with_an_erasure(name, request, bob, collected):
    user = request.getfixturevalue(name)
    made, _rows = collected()
    erasure = erasure_preview(acting_user=bob, case=made)
    for attempt in (
        lambda: erasure_preview(acting_user=user, case=made),
        lambda: erasure_approve(acting_user=user, erasure=erasure, version=1),
        lambda: erasure_refuse(acting_user=user, erasure=erasure, version=1, note="no"),
        lambda: erasure_execute(acting_user=user, erasure=erasure, version=1),
        lambda: items_add(acting_user=user, case=made, chosen=[], purpose="x"),
    ):
        with pytest.raises(Forbidden):
            attempt()


def test_only_an_approved_preview_is_executed_and_only_once(bob, frank, collected):
    made, _rows = collected()
    erasure = erasure_preview(acting_user=bob, case=made)
    with pytest.raises(Conflict) as refused:
        erasure_execute(acting_user=frank, erasure=erasure, version=1)
    assert refused.value.code == "not_approved"
    erasure_approve(acting_user=frank, erasure=erasure, version=1)
    erasure_execute(acting_user=bob, erasure=erasure, version=2)
    with pytest.raises(Conflict):
        erasure_execute(acting_user=bob, erasure=erasure, version=3)


def test_a_refused_preview_is_never_executed(bob, frank, collected):
    made, (event,) = collected()
    erasure = erasure_preview(acting_user=bob, case=made)
    erasure_refuse(acting_user=frank, erasure=erasure, version=1, note="the wrong person")
    with pytest.raises(Conflict):
        erasure_execute(acting_user=bob, erasure=erasure, version=2)
    assert Event.objects.filter(pk=event.pk).exists()


def test_what_changed_since_the_preview_is_not_executed(bob, frank, collected, camera, seen):
    made, (event,) = collected()
    erasure = erasure_preview(acting_user=bob, case=made)
    erasure_approve(acting_user=frank, erasure=erasure, version=1)
    Reading.objects.create(
        pk="12345678-1234-4234-8234-123456789012", camera=camera, epoch=event.epoch, track_id=1, event=event,
        read_at=now(), text="x", folded="x", script="latin", confidence=1, model_name="m",
        model_sha256="ab" * 32,
    )  # fmt: skip
    with pytest.raises(Conflict) as refused:
        erasure_execute(acting_user=frank, erasure=erasure, version=2)
    assert refused.value.code == "preview_changed"
    assert Event.objects.filter(pk=event.pk).exists()
    assert not AuditRecord.objects.filter(action="erasure.deleted").exists()


def test_a_hold_that_came_after_the_approval_beats_it(bob, frank, collected, camera):
    made, (event,) = collected()
    erasure = erasure_preview(acting_user=bob, case=made)
    erasure_approve(acting_user=frank, erasure=erasure, version=1)
    hold_place(
        acting_user=bob, camera=camera, since=event.first_seen_at, until=now(), reason="court",
        expires_at=now() + timedelta(days=9),
    )  # fmt: skip
    with pytest.raises(Conflict):
        erasure_execute(acting_user=frank, erasure=erasure, version=2)
    with pytest.raises(Conflict) as nothing:
        erasure_preview(acting_user=bob, case=made)
    assert nothing.value.code == "nothing_to_erase"


def test_a_preview_ends_after_a_day(bob, frank, collected, monkeypatch):
    made, _rows = collected()
    erasure = erasure_preview(acting_user=bob, case=made)
    later = now() + timedelta(hours=25)
    monkeypatch.setattr("apps.cases.services.erasures.now", lambda: later)
    with pytest.raises(Conflict) as refused:
        erasure_approve(acting_user=frank, erasure=erasure, version=1)
    assert refused.value.code == "preview_expired"


def test_another_open_request_keeps_it_with_everything_that_belongs_to_it(
    bob, case, collected, executed, camera
):
    made, (event, other) = collected(events=2)
    asked = case("access")
    items_add(acting_user=bob, case=asked, chosen=[("event", str(event.pk))], purpose="x")
    erasure = executed(made)
    assert ["open_case", "events", 1] in erasure.counts["kept"]
    assert ["open_case", "readings", 1] in erasure.counts["kept"]
    assert Event.objects.filter(pk=event.pk).exists()
    assert Reading.objects.filter(event=event).exists()
    assert not Event.objects.filter(pk=other.pk).exists()
    case_close(acting_user=bob, case=asked, version=asked.version, outcome="partly", note="done")
    executed(made)
    assert not Event.objects.filter(pk=event.pk).exists()
    assert asked.items.get().erased_at is not None


def test_a_request_without_a_confirmed_identity_erases_nothing(bob, case, camera, seen):
    made = case("erasure", confirmed=False)
    items_add(acting_user=bob, case=made, chosen=[("event", str(seen(camera, 2).pk))], purpose="x")
    with pytest.raises(Conflict) as refused:
        erasure_preview(acting_user=bob, case=made)
    assert refused.value.code == "not_identified"


def test_a_request_for_access_erases_nothing(bob, collected):
    made, _rows = collected(kind="access")
    with pytest.raises(Conflict) as refused:
        erasure_preview(acting_user=bob, case=made)
    assert refused.value.code == "no_erasure_asked"


def test_a_person_who_is_still_in_view_stays_for_now(bob, case, camera, seen):
    made, event = case("erasure"), seen(camera, 0.1)
    items_add(acting_user=bob, case=made, chosen=[("event", str(event.pk))], purpose="x")
    erasure = erasure_preview(acting_user=bob, case=made)
    assert ["running", "events", 1] in erasure.counts["kept"]


def test_what_lies_outside_of_the_database_goes_with_the_rest_or_not_at_all(
    bob, frank, collected, redis, monkeypatch
):
    made, (event,) = collected()
    redis.xadd(DEAD_LETTERS, {"data": f"{event.camera_id} {event.epoch}"})
    erasure = erasure_preview(acting_user=bob, case=made)
    erasure_approve(acting_user=frank, erasure=erasure, version=1)

    def refuse(*_step):
        raise Unavailable("audit_unavailable", "the record cannot be written")

    with monkeypatch.context() as later:
        later.setattr("apps.cases.services.erasures._done", refuse)
        with pytest.raises(Unavailable):
            erasure_execute(acting_user=frank, erasure=erasure, version=2)
    assert redis.xlen(DEAD_LETTERS) == 1
    erasure_execute(acting_user=frank, erasure=erasure, version=2)
    assert redis.xlen(DEAD_LETTERS) == 0


def test_without_a_record_nothing_goes(bob, frank, collected, no_record_later):
    made, (event,) = collected()
    erasure = erasure_preview(acting_user=bob, case=made)
    erasure_approve(acting_user=frank, erasure=erasure, version=1)
    no_record_later()
    with pytest.raises(Unavailable):
        erasure_execute(acting_user=frank, erasure=erasure, version=2)
    assert Event.objects.filter(pk=event.pk).exists()
    assert object_get(event.snapshot_key)


@pytest.fixture
def no_record_later(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise Unavailable("audit_unavailable", "the record cannot be written")

    return lambda: monkeypatch.setattr("apps.audit.services.record_change", refuse)


def test_recordings_that_show_the_person_go_and_the_key_of_a_whole_day_with_them(
    bob, case, camera, executed, recorded, seen
):
    made, event = case("erasure"), seen(camera, 26)
    shown, foreign, other_run = (recorded(camera, 26.0) for _number in range(3))
    Event.objects.filter(pk=event.pk).update(ended=True, last_seen_at=foreign.ended_at)
    key = OriginalKey.objects.create(
        camera_id=camera.pk, day=shown.started_at.date(), public_key=b"p", sealed_private=b"secret",
        fingerprint="ab" * 32, created_at=now(),
    )  # fmt: skip
    for number, segment in enumerate((shown, foreign)):
        name = f"originals/{camera.pk}/{number}.sealed"
        object_put(name, b"sealed")
        Segment.objects.filter(pk=segment.pk).update(
            epoch=event.epoch, track_ids=[1] if segment is shown else [2], original_key=name, sealed_under=key
        )
    items_add(acting_user=bob, case=made, chosen=[("event", str(event.pk))], purpose="x")
    erasure = executed(made)
    assert erasure.counts["erase"]["segments"] == erasure.counts["erase"]["originals"] == 1
    assert set(Segment.objects.values_list("pk", flat=True)) == {foreign.pk, other_run.pk}
    with pytest.raises(NotFound):
        object_get(f"originals/{camera.pk}/0.sealed")
    key.refresh_from_db()
    assert key.destroyed_at is None  # another original is sealed under it
    Segment.objects.filter(pk=foreign.pk).update(track_ids=[1])
    again, later = case("erasure"), seen(camera, 26)
    Event.objects.filter(pk=later.pk).update(ended=True, epoch=event.epoch, first_seen_at=foreign.started_at)
    items_add(acting_user=bob, case=again, chosen=[("event", str(later.pk))] * 2, purpose="x")
    executed(again)
    key.refresh_from_db()
    assert key.destroyed_at is not None
    assert bytes(key.sealed_private) == b""
    assert AuditRecord.objects.filter(action="originals.key_destroyed").count() == 1
