"""The pages of recordings, retention and holds, as a browser asks for them."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.clock import now
from apps.detections.models import Event
from apps.retention.models import CameraRetention, LegalHold, RetentionClass
from apps.retention.services import hold_place

pytestmark = pytest.mark.django_db


def _client(user):
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def event(camera, recorded):
    segment = recorded(camera, hours=2)
    return Event.objects.create(
        camera=camera, epoch="e", track_id=1, label="person", confidence=0.9, lease_id="l",
        first_seen_at=segment.started_at, last_seen_at=segment.ended_at, model_name="m",
        model_sha256="ab" * 32,
    )  # fmt: skip


def test_a_day_lists_its_clips_and_fetches_nothing_by_itself(alice, camera, recorded):
    segment = recorded(camera)
    day = segment.started_at.astimezone(ZoneInfo(camera.zone_name)).date()
    response = _client(alice).get(reverse("console:recordings", args=[camera.pk]), {"day": day.isoformat()})
    page = response.content.decode()
    assert str(segment.pk) in page
    assert 'preload="none"' in page
    assert "<source" not in page
    assert "media-src 'self'" in response["Content-Security-Policy"]


def test_the_last_recorded_day_is_shown_first(alice, camera, recorded):
    segment = recorded(camera, hours=30)
    page = _client(alice).get(reverse("console:recordings", args=[camera.pk])).content.decode()
    assert str(segment.pk) in page
    assert page.count("clip-row") == 1


@pytest.mark.parametrize("day", ["nonsense", "9999-99-99", "0001-01-01", "9999-12-31"])
def test_a_strange_day_is_no_error(alice, camera, redis, day):
    url = reverse("console:recordings", args=[camera.pk])
    assert _client(alice).get(url, {"day": day}).status_code == 200


def test_an_event_has_its_clip(alice, event, camera):
    page = _client(alice).get(reverse("console:event", args=[event.pk])).content.decode()
    assert str(camera.segments.get().pk) in page
    assert "js/player.js" in page


def test_compliance_without_a_watch_grant_sees_the_event_and_no_clip(bob, event, camera):
    page = _client(bob).get(reverse("console:event", args=[event.pk])).content.decode()
    assert str(camera.segments.get().pk) not in page


def test_a_hold_is_seen_everywhere(alice, bob, camera, event):
    hold_place(
        acting_user=bob, camera=camera, since=event.first_seen_at, until=event.last_seen_at,
        reason="accident at the gate", expires_at=now() + timedelta(days=3),
    )  # fmt: skip
    client = _client(alice)
    for name, key in (("event", event.pk), ("camera", camera.pk)):
        assert "accident at the gate" in client.get(reverse(f"console:{name}", args=[key])).content.decode()
    day = event.first_seen_at.astimezone(ZoneInfo(camera.zone_name)).date().isoformat()
    page = client.get(reverse("console:recordings", args=[camera.pk]), {"day": day}).content.decode()
    assert "accident at the gate" in page
    assert "accident at the gate" in _client(bob).get(reverse("console:retention")).content.decode()


def test_a_hold_is_placed_from_an_event_and_released(bob, camera, event):
    client = _client(bob)
    url = reverse("console:hold_add", args=[camera.pk]) + f"?event={event.pk}"
    form = client.get(url).context["form"]
    values = {name: form[name].value() for name in ("since", "until")}
    values = {name: value.strftime("%Y-%m-%dT%H:%M") for name, value in values.items()}
    client.post(url, {**values, "reason": "police request", "case": "17", "days": "7"})
    hold = LegalHold.objects.get()
    assert hold.since <= event.first_seen_at < event.last_seen_at <= hold.until
    assert (hold.event_id, hold.placed_by_name) == (event.pk, "bob")
    client.post(reverse("console:hold_release", args=[hold.pk]), {"version": 1, "reason": "closed"})
    hold.refresh_from_db()
    assert hold.released_by_name == "bob"


def test_a_class_without_a_justification_is_refused_in_words(bob):
    client = _client(bob)
    values = {"code": "long", "name": "Long", "hours": "100", "original_hours": "0", "justification": ""}
    page = client.post(reverse("console:class_add"), values).content.decode()
    assert "need a justification" in page
    client.post(reverse("console:class_add"), {**values, "justification": "insurance"})
    assert RetentionClass.objects.get(code="long").hours == 100


def test_the_recording_of_a_camera_is_switched_off(bob, camera, redis):
    url = reverse("console:camera_retention", args=[camera.pk])
    _client(bob).post(url, {"recording": "off", "retention_class": "", "version": "0"})
    assert CameraRetention.objects.get(camera=camera).recording == "off"
