"""The feed: numbers without a gap, catching up, and nothing of cameras that are not open to the viewer."""

from uuid import uuid4

import pytest
from django.db import transaction

from apps.accounts.services import user_set_role
from apps.core.clock import now
from apps.detections.feed import FeedLine, feed_append, feed_head
from apps.detections.models import Event, FeedEntry
from apps.live.consumer import RECHECK_S
from apps.monitoring.models import Alert

pytestmark = pytest.mark.django_db(transaction=True)
CREATED = FeedEntry.Kind.EVENT_CREATED


def _event(camera, number):
    """An event and its line in the feed, in one transaction, as the recorder writes them."""
    with transaction.atomic():
        event = Event.objects.create(
            camera=camera, epoch="e1", track_id=number, label="person", confidence=0.8, first_seen_at=now(),
            last_seen_at=now(), model_name="yolox-nano", model_sha256="ab" * 32, lease_id=str(uuid4()),
        )  # fmt: skip
        feed_append([FeedLine(CREATED, camera.pk, event.pk)])
    return event


def test_an_event_arrives_while_one_follows(alice, camera, browser):
    viewer = browser(alice)
    viewer.say("events")
    assert viewer.expect("caught_up")["seq"] == 0
    event = _event(camera, 1)
    message = viewer.expect("event", within_s=5)
    assert (message["seq"], message["after"], message["kind"]) == (1, 0, "event_created")
    assert message["event"]["id"] == str(event.pk)
    assert message["event"]["url"] == f"/events/{event.pk}/"


def test_nothing_arrives_before_one_follows(alice, camera, browser):
    viewer = browser(alice)
    _event(camera, 1)
    viewer.listen(1.5)
    assert [message["type"] for message in viewer.messages] == ["ready"]


def test_catching_up_reads_what_was_missed_in_order(alice, camera, browser):
    for number in range(1, 6):
        _event(camera, number)
    viewer = browser(alice)
    viewer.say("catch_up", after=2)
    assert viewer.expect("caught_up")["seq"] == 5
    told = [(message["after"], message["seq"]) for message in viewer.messages if message["type"] == "event"]
    assert told == [(2, 3), (3, 4), (4, 5)]


def test_a_long_absence_is_read_in_full(alice, camera, browser):
    with transaction.atomic():
        feed_append([FeedLine(CREATED, camera.pk)] * 450)
    viewer = browser(alice)
    viewer.say("catch_up", after=0)
    viewer.expect("caught_up", seq=450)
    assert [message["seq"] for message in viewer.messages if message["type"] == "event"] == list(
        range(1, 451)
    )


def test_a_reconnected_viewer_misses_nothing(alice, camera, sign_in, open_socket):
    """An old snapshot and its events are what a fresh look shows."""
    cookie = sign_in(alice)
    first = open_socket(cookie=cookie)
    first.say("events")
    first.expect("caught_up", seq=0)
    _event(camera, 1)
    last = first.expect("event")["seq"]
    first.close()
    _event(camera, 2)
    second = open_socket(cookie=cookie)
    second.say("catch_up", after=last)
    second.expect("caught_up", seq=2)
    _event(camera, 3)
    second.expect("event", seq=3)
    known = [
        message["seq"] for viewer in (first, second) for message in viewer.messages if "event" in message
    ]
    assert known == list(FeedEntry.objects.order_by("seq").values_list("seq", flat=True))


def test_jumps_over_foreign_cameras_are_no_gap(alice, camera, camera_b, browser):
    viewer = browser(alice)
    viewer.say("events")
    viewer.expect("caught_up")
    _event(camera_b, 1)
    _event(camera, 1)
    _event(camera_b, 2)
    _event(camera, 2)
    messages = [viewer.expect("event"), viewer.expect("event")]
    assert [(message["after"], message["seq"]) for message in messages] == [(0, 2), (2, 4)]
    assert {message["camera_id"] for message in messages} == {str(camera.pk)}


def test_charlie_hears_nothing(charlie, camera, browser):
    viewer = browser(charlie)
    viewer.say("catch_up", after=0)
    viewer.expect("caught_up")
    _event(camera, 1)
    viewer.listen(4)
    assert {message["type"] for message in viewer.messages} <= {"ready", "caught_up"}


def test_a_number_from_the_future_starts_at_the_head(alice, camera, browser):
    """After a restored backup the numbers of a client may be ahead of ours."""
    _event(camera, 1)
    viewer = browser(alice)
    viewer.say("catch_up", after=10_000)
    assert viewer.expect("caught_up")["seq"] == feed_head() == 1
    _event(camera, 2)
    assert viewer.expect("event")["seq"] == 2


def test_a_lost_knock_costs_seconds_and_no_event(alice, camera, browser, monkeypatch):
    from apps.detections import feed

    monkeypatch.setattr(feed, "_knock", lambda: None)
    viewer = browser(alice)
    viewer.say("events")
    viewer.expect("caught_up")
    _event(camera, 1)
    viewer.expect("event", within_s=6, seq=1)


def test_an_alert_of_a_camera_is_news_to_those_who_may_know_of_it(alice, dana, camera, browser):
    viewer, stranger = browser(alice), browser(dana)
    for person in (viewer, stranger):
        person.say("events")
        person.expect("caught_up", seq=0)
    with transaction.atomic():
        alert = Alert.objects.create(camera=camera, kind="leaks", opened_at=now(), changed_at=now())
        feed_append([FeedLine(FeedEntry.Kind.ALERT_OPENED, camera.pk, alert_id=alert.pk)])
    message = viewer.expect("alert", within_s=5)
    assert (message["kind"], message["alert"]["state"], message["alert"]["url"]) == (
        "alert_opened", "open", f"/alerts/{alert.pk}/",
    )  # fmt: skip
    stranger.listen(1.0)
    assert [item["type"] for item in stranger.messages if item["type"] == "alert"] == []


def test_who_loses_a_role_is_told_nothing_more(adam, bob, camera, browser):
    """Compliance reads the events of all cameras; an operator those that were granted."""
    viewer = browser(bob)
    viewer.say("events")
    viewer.expect("caught_up")
    _event(camera, 1)
    viewer.expect("event")
    user_set_role(acting_user=adam, user=bob, role="operator")
    viewer.listen(RECHECK_S + 1)
    _event(camera, 2)
    assert [message for message in viewer.listen(3.5) if "event" in message] == []
