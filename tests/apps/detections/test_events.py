"""Searching, looking at and judging events: inside the grants, and on record."""

from datetime import timedelta
from uuid import uuid4

import pytest

from apps.audit.models import AuditRecord
from apps.cameras import services as cameras
from apps.core.errors import Conflict, DomainError, Forbidden, NotFound, Unavailable
from apps.detections import media, selectors, services
from apps.detections.feed import FeedLine, feed_append, feed_head
from apps.detections.models import ColourName, Event, EventFlag, FeedEntry, Reading
from inference_workers.contracts.colours import Colour
from tests.apps.api.world import AT, JPEG, make_place


@pytest.fixture
def event(adam, camera) -> Event:
    make_place(adam, camera)
    return Event.objects.get(camera=camera)


@pytest.fixture
def other_event(adam, camera_b) -> Event:
    make_place(adam, camera_b)
    return Event.objects.get(camera=camera_b)


def _found(user, **criteria):
    return list(selectors.events_search(user, **criteria))


def test_each_sees_the_events_of_the_own_site(alice, dana, charlie, bob, adam, event, other_event):
    assert _found(alice) == [event]
    assert _found(dana) == [other_event]
    assert _found(charlie) == []
    assert len(_found(bob)) == 2
    assert _found(adam) == []


def test_filters_narrow(alice, event, other_event):
    zone = event.camera.zones.get()
    assert _found(alice, zone=zone) == []
    event.zones.add(zone)
    assert _found(alice, zone=zone) == _found(alice, zone=str(zone.pk)) == [event]
    assert _found(alice, camera=other_event.camera) == []
    assert _found(alice, label="person", status="new", camera=event.camera) == [event]
    assert _found(alice, label="car") == _found(alice, status="dismissed") == []
    assert _found(alice, since=AT, until=AT + timedelta(seconds=1)) == [event]
    assert _found(alice, until=AT) == []


def test_a_camera_is_looked_for_inside_a_site(alice, event, other_event):
    own, other = event.camera, other_event.camera
    assert _found(alice, camera=own, site=own.site_id) == [event]
    assert _found(alice, camera=own, site=other.site_id) == []


def test_the_newest_are_found_without_reading_all(alice, event):
    """Given a list of cameras, SQLite reads and sorts all of their rows: 1.6 s of 800,000."""
    for rows in (selectors.events_search(alice)[:51], selectors.readings_search(alice)[:51]):
        assert "TEMP B-TREE" not in rows.explain()


def test_only_classes_that_one_may_see_are_offered(alice, charlie, adam, bob, event, other_event):
    Event.objects.filter(pk=other_event.pk).update(label="truck")
    assert selectors.labels_seen(alice) == [event.label]
    assert selectors.labels_seen(bob) == sorted([event.label, "truck"])
    assert selectors.labels_seen(charlie) == selectors.labels_seen(adam) == []


@pytest.mark.parametrize("criteria", [{"camera": "x"}, {"zone": "x"}, {"site": "%"}])
def test_a_broken_filter_finds_nothing(alice, event, criteria):
    assert _found(alice, **criteria) == []


@pytest.mark.parametrize("text", ["А123", "a123bc", "A-123", "PERS"])
def test_text_is_found_in_class_and_readings(alice, event, text):
    Reading.objects.update(text="А123ВС 77", folded="a123bc77")
    assert _found(alice, text=text) == [event]
    assert _found(alice, text=text + "zz") == []


def test_readings_are_searched_by_look(alice, dana, event):
    Reading.objects.update(text="А123ВС 77", folded="a123bc77")
    assert selectors.readings_search(alice, text="A123BC").count() == 1
    assert selectors.readings_search(alice, text="%").count() == 0
    assert selectors.readings_search(dana, text="A123BC").count() == 0


def test_a_look_at_an_event_is_on_record(alice, event):
    found = selectors.event_get(alice, event.pk, "event triage")
    assert [row.text for row in found.readings.all()]
    record = AuditRecord.objects.get(action="event.view")
    assert (record.actor_name, record.purpose, record.camera_id) == (
        "alice",
        "event triage",
        event.camera_id,
    )


def test_a_snapshot_needs_the_watch_grant_and_a_record(alice, bob, event):
    snapshot = media.snapshot_open(alice, event.pk, "event triage")
    assert (snapshot.jpeg, snapshot.redaction) == (JPEG, "tracks")
    record = AuditRecord.objects.get(action="snapshot.view")
    assert (record.redacted, record.object_id) == (True, str(event.pk))
    with pytest.raises(NotFound):
        media.snapshot_open(bob, event.pk, "review")
    refused = AuditRecord.objects.get(kind="refusal", actor_name="bob")
    assert (refused.action, refused.actor_name, refused.object_id) == ("snapshot.view", "bob", str(event.pk))


def test_without_a_record_there_is_no_picture(alice, event, monkeypatch):
    def refuse(**_):
        raise Unavailable("audit_unavailable", "no record")

    monkeypatch.setattr("apps.audit.services.record_access", refuse)
    for look in (media.snapshot_open, selectors.event_get):
        with pytest.raises(Unavailable):
            look(alice, event.pk, "event triage")


@pytest.mark.parametrize("key", [uuid4(), "no-uuid", "' OR 1=1"])
def test_missing_and_forbidden_look_the_same(charlie, event, key):
    answers = set()
    for event_id in (key, event.pk):
        with pytest.raises(NotFound) as refused:
            media.snapshot_open(charlie, event_id, "curiosity")
        answers.add((refused.value.code, refused.value.message))
    assert len(answers) == 1


def test_triage_is_compared_set_recorded_and_told(alice, event):
    before = feed_head()
    services.event_set_status(acting_user=alice, event=event, version=1, status="confirmed")
    assert (event.status, event.version) == ("confirmed", 2)
    with pytest.raises(Conflict):
        services.event_set_status(acting_user=alice, event=event, version=1, status="dismissed")
    assert AuditRecord.objects.get(action="event.set_status").details["changed"] == {
        "status": ["new", "confirmed"]
    }
    assert [entry.kind for entry in selectors.feed_after(alice, before)] == ["event_status"]


def test_a_flag_keeps_who_and_why(alice, event):
    services.event_flag(acting_user=alice, event=event, reason="privacy", comment=" a face \x00")
    flag = EventFlag.objects.get()
    assert (flag.flagged_by_name, flag.reason, flag.comment) == ("alice", "privacy", "a face")
    for reason, comment in (("boring", ""), ("hard", "x" * 501)):
        with pytest.raises(DomainError):
            services.event_flag(acting_user=alice, event=event, reason=reason, comment=comment)


@pytest.mark.django_db(transaction=True)
def test_without_a_record_nothing_is_judged(alice, event, monkeypatch):
    def refuse(**_):
        raise Unavailable("audit_unavailable", "no record")

    head = feed_head()
    monkeypatch.setattr("apps.audit.services.record_change", refuse)
    with pytest.raises(Unavailable):
        services.event_set_status(acting_user=alice, event=event, version=1, status="confirmed")
    with pytest.raises(Unavailable):
        services.event_flag(acting_user=alice, event=event, reason="hard")
    assert Event.objects.get().status == "new"
    assert (EventFlag.objects.count(), feed_head()) == (0, head)


def test_charlie_dana_and_bob_judge_nothing_here(charlie, dana, bob, event):
    for user in (charlie, dana, bob):
        with pytest.raises((NotFound, Forbidden)):
            services.event_set_status(acting_user=user, event=event, version=1, status="confirmed")
        with pytest.raises((NotFound, Forbidden)):
            services.event_flag(acting_user=user, event=event, reason="hard")


def test_the_feed_is_numbered_without_a_gap_and_cut_to_the_grants(alice, dana, charlie, event, other_event):
    feed_append([FeedLine(FeedEntry.Kind.CAMERA_STATE, event.camera_id)] * 3)
    numbers = list(FeedEntry.objects.values_list("seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert feed_head() == numbers[-1]
    assert {entry.camera_id for entry in selectors.feed_after(alice, 0)} == {event.camera_id}
    assert {entry.camera_id for entry in selectors.feed_after(dana, 0)} == {other_event.camera_id}
    assert selectors.feed_after(charlie, 0) == []
    assert len(selectors.feed_after(alice, 0, limit=2)) == 2


@pytest.mark.django_db(transaction=True)
def test_the_feed_is_written_inside_a_transaction_only(camera):
    with pytest.raises(RuntimeError):
        feed_append([FeedLine(FeedEntry.Kind.CAMERA_STATE, camera.pk)])


def test_a_removed_grant_closes_the_events_at_once(adam, alice, site_a, event):
    cameras.grant_revoke(acting_user=adam, user=alice, site=site_a, permission="watch")
    assert _found(alice) == []
    assert selectors.feed_after(alice, 0) == []


@pytest.mark.database_neutral
def test_colours_have_the_same_words_on_both_planes():
    assert list(ColourName.values) == [colour.value for colour in Colour]
