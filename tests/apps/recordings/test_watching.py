"""Who may watch what was recorded: by the watch grant, each answer in the record, parts as players ask."""

from datetime import timedelta

import pytest

from apps.audit.models import AuditRecord, RecordKind
from apps.core.clock import now
from apps.core.errors import DomainError, NotFound, Unavailable
from apps.recordings.media import segment_response
from apps.recordings.models import Segment
from apps.recordings.selectors import (
    day_of,
    days_recorded,
    segments_between,
    segments_of_event,
    segments_seen,
)
from apps.retention.services import hold_place, retention_sweep
from tests.apps.recordings.conftest import FILE

pytestmark = pytest.mark.django_db


def _bytes(response):
    return b"".join(response.streaming_content)


def test_a_person_with_a_grant_watches_and_is_on_record(alice, camera, recorded):
    segment = recorded(camera)
    response = segment_response(alice, segment.pk, "event triage")
    assert _bytes(response) == FILE
    assert response["X-Vidette-Redaction"] == "mixed"
    row = AuditRecord.objects.get(kind=RecordKind.ACCESS)
    assert (row.action, row.actor_name, row.camera_id, row.redacted) == (
        "segment.view", "alice", camera.pk, True,
    )  # fmt: skip


def test_a_player_asks_for_parts(alice, camera, recorded):
    segment = recorded(camera)
    response = segment_response(alice, segment.pk, "event triage", "bytes=4-7")
    assert response.status_code == 206
    assert _bytes(response) == b"ftyp"
    assert response["Content-Range"] == f"bytes 4-7/{len(FILE)}"


def test_a_part_that_does_not_exist_shows_nothing_and_records_nothing(alice, camera, recorded):
    segment = recorded(camera)
    with pytest.raises(DomainError) as refused:
        segment_response(alice, segment.pk, "x", "bytes=999999-")
    assert refused.value.status == 416
    assert AuditRecord.objects.filter(kind=RecordKind.ACCESS).count() == 0


@pytest.mark.parametrize("name", ["charlie", "dana", "bob", "erin", "adam"])
def test_without_a_grant_it_is_as_if_it_did_not_exist(name, request, camera, recorded):
    segment = recorded(camera)
    user = request.getfixturevalue(name)
    with pytest.raises(NotFound) as forbidden:
        segment_response(user, segment.pk, "x")
    with pytest.raises(NotFound) as missing:
        segment_response(user, camera.pk, "x")
    assert forbidden.value.message == missing.value.message
    assert list(segments_between(user, camera, now() - timedelta(days=1), now())) == []


def test_no_record_no_video(alice, camera, recorded, request):
    segment = recorded(camera)
    request.getfixturevalue("no_record")
    with pytest.raises(Unavailable):
        segment_response(alice, segment.pk, "x")


def test_a_look_at_the_list_is_on_record(alice, camera, recorded):
    segment = recorded(camera)
    rows = segments_seen(alice, camera, now() - timedelta(days=1), now(), "incident investigation")
    assert list(rows) == [segment]
    entry = AuditRecord.objects.get(kind=RecordKind.ACCESS)
    assert (entry.action, entry.actor_name, entry.camera_id) == ("segment.list", "alice", camera.pk)


def test_days_are_those_of_the_camera(alice, camera, recorded):
    segment = recorded(camera, hours=30)
    (day,) = days_recorded(alice, camera)
    span = day_of(camera, day)
    assert span.since <= segment.started_at < span.until
    assert list(segments_between(alice, camera, span.since, span.until)) == [segment]


def test_the_clip_of_an_event_is_what_was_recorded_around_it(alice, camera, recorded, redis):
    from apps.detections.models import Event

    inside, _later = recorded(camera, hours=2), recorded(camera, hours=1)
    event = Event.objects.create(
        camera=camera, epoch="e", track_id=1, label="person", confidence=0.9, lease_id="l",
        first_seen_at=inside.started_at + timedelta(seconds=2),
        last_seen_at=inside.started_at + timedelta(seconds=5), model_name="m", model_sha256="ab" * 32,
    )  # fmt: skip
    assert segments_of_event(alice, event) == [inside]


def test_segments_follow_retention_and_holds(bob, camera, recorded):
    held, old, young = recorded(camera, hours=90), recorded(camera, hours=80), recorded(camera, hours=2)
    hold_place(
        acting_user=bob, camera=camera, since=held.started_at, until=held.ended_at, reason="accident",
        expires_at=now() + timedelta(days=1),
    )  # fmt: skip
    retention_sweep()
    assert set(Segment.objects.all()) == {held, young}
    from apps.core.objects import object_get

    with pytest.raises(NotFound):
        object_get(old.object_key)
    assert object_get(held.object_key) == FILE
