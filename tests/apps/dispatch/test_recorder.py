"""Results into the database: once, in any order, whatever comes."""

import json
import time
from uuid import uuid4

import pytest

from apps.detections.accounts import accounting_for
from apps.detections.models import CameraRuntime, Event, FeedEntry, FrameAccount, Reading
from apps.dispatch.recorder import CLAIM_IDLE_MS, DEAD_LETTERS, Recorder
from apps.live.feed import state_summary
from apps.registry.models import ModelVersion
from inference_workers.contracts.codec import encode
from inference_workers.contracts.colours import Colour
from inference_workers.contracts.names import HEARTBEATS, RESULTS, RESULTS_GROUP
from inference_workers.contracts.results import CameraState
from tests.apps.dispatch.messages import MODEL, account, reading, send, status, track

SNAPSHOT = "snapshots/{}/2026-11-24/track-1.jpg"


def test_a_track_becomes_an_event(recorder, redis, camera, new_epoch):
    version = ModelVersion.objects.create(
        name=MODEL.name, sha256=MODEL.sha256, family="yolox", task="detection"
    )
    key = SNAPSHOT.format(camera.pk)
    send(redis, track(camera.pk, new_epoch, snapshot_key=key, snapshot_redaction="tracks"))
    recorder.drain()
    event = Event.objects.get()
    assert (event.label, event.model_version, event.snapshot_key) == ("person", version, key)
    assert redis.xlen(RESULTS) == 0
    assert [entry.kind for entry in FeedEntry.objects.all()] == ["event_created"]


def test_who_serves_and_what_is_waited_for_is_kept_with_the_state(recorder, redis, camera, new_epoch):
    waiting = {"faces": "loading", "detect": "memory_short: 64 MiB are free\x00"}
    send(redis, status(camera.pk, new_epoch, served={"detect": "ab" * 32}, waiting=waiting))
    recorder.drain()
    runtime = CameraRuntime.objects.get()
    assert runtime.served == {"detect": "ab" * 32}
    assert runtime.waiting == {"faces": "loading", "detect": "memory_short: 64 MiB are free"}


def test_the_highest_revision_wins_in_any_order(recorder, redis, camera, new_epoch):
    revisions = [
        track(camera.pk, new_epoch, revision=number, confidence=number / 10, ended=number == 3)
        for number in (1, 3, 2, 3)
    ]
    send(redis, *revisions)
    recorder.drain()
    event = Event.objects.get()
    assert (event.revision, event.confidence, event.ended) == (3, 0.3, True)
    assert recorder.counts["repeated"] == 2


def test_a_reading_finds_its_event_in_either_order(recorder, redis, camera, new_epoch):
    send(
        redis,
        reading(camera.pk, new_epoch, track_id=7),
        track(camera.pk, new_epoch, track_id=7),
        reading(camera.pk, new_epoch, track_id=7),
        reading(camera.pk, new_epoch, track_id=8),
    )
    recorder.drain()
    assert Event.objects.get().readings.count() == 2
    assert Reading.objects.filter(event=None).count() == 1


def test_a_message_that_comes_twice_changes_nothing(recorder, redis, camera, new_epoch):
    messages = [
        track(camera.pk, new_epoch),
        reading(camera.pk, new_epoch),
        status(camera.pk, new_epoch),
        account(camera.pk, new_epoch, 10, 2),
    ]
    send(redis, *messages, *messages)
    recorder.drain()
    counts = [model.objects.count() for model in (Event, Reading, CameraRuntime, FrameAccount)]
    assert counts == [1, 1, 1, 1]
    assert recorder.counts["repeated"] == 4
    assert FeedEntry.objects.count() == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "Nonsense", "data": "{}"},
        {"type": "TrackResult", "data": "no json"},
        {"type": "TrackResult", "data": "[" * 100_000},
        {"data": "{}"},
        {"type": b"\xff\xfe", "data": b"\x00"},
    ],
)
def test_poison_is_set_aside_with_a_reason_and_blocks_nobody(recorder, redis, camera, new_epoch, fields):
    send(redis, track(camera.pk, new_epoch, 1))
    redis.xadd(RESULTS, fields)
    send(redis, track(camera.pk, new_epoch, 2))
    recorder.drain()
    assert Event.objects.count() == 2
    [(_key, letter)] = redis.xrange(DEAD_LETTERS)
    assert letter[b"reason"].startswith(b"ContractError")
    assert redis.xlen(RESULTS) == 0
    assert recorder.counts["dead_letters"] == 1


def test_colours_are_kept_and_follow_the_newest_revision(recorder, redis, camera, new_epoch):
    send(redis, track(camera.pk, new_epoch, upper_colour=Colour.RED))
    recorder.drain()
    assert Event.objects.values_list("upper_colour", "lower_colour").get() == ("red", "")
    send(redis, track(camera.pk, new_epoch, revision=2, upper_colour=Colour.RED, lower_colour=Colour.GRAY))
    recorder.drain()
    assert Event.objects.values_list("upper_colour", "lower_colour").get() == ("red", "gray")


def test_a_colour_that_is_none_is_set_aside(recorder, redis, camera, new_epoch):
    text = encode(track(camera.pk, new_epoch, upper_colour=Colour.RED)).replace('"red"', '"<b>mauve</b>"')
    redis.xadd(RESULTS, {"type": "TrackResult", "data": text})
    recorder.drain()
    assert not Event.objects.exists()
    assert redis.xrange(DEAD_LETTERS)[0][1][b"reason"].startswith(b"ContractError")


@pytest.mark.parametrize(
    "changes",
    [
        {"camera_id": "no-uuid"},
        {"first_seen_at": 1e300},
        {"first_seen_at": -5.0},
        {"zone_ids": ("x",)},
        {"snapshot_key": "../../secrets.json"},
        {"snapshot_key": SNAPSHOT.format(uuid4())},
        {"revision": -1},
        {"track_id": 2**70},
        {"label": "\ud800"},
    ],
)
def test_a_well_formed_lie_is_set_aside(recorder, redis, camera, new_epoch, changes):
    fields = {"camera_id": camera.pk, "epoch": new_epoch, **changes}
    send(redis, track(**fields), track(camera.pk, new_epoch, 2))
    recorder.drain()
    kept = list(Event.objects.values_list("label", "track_id"))
    assert ("person", 2) in kept
    assert redis.xlen(DEAD_LETTERS) + len(kept) == 2
    assert redis.xlen(DEAD_LETTERS) == (0 if "label" in changes else 1)


def test_hostile_text_fits_its_column(recorder, redis, camera, new_epoch):
    send(
        redis,
        reading(camera.pk, new_epoch, text="<img src=x onerror=alert(1)>\x00" + "x" * 2000),
        track(camera.pk, new_epoch, label="a" * 300),
        status(camera.pk, new_epoch, detail="d" * 5000, codec="c" * 100),
    )
    recorder.drain()
    assert Reading.objects.get().text.startswith("<img src=x onerror=alert(1)>x")
    assert len(Event.objects.get().label) == 60
    assert redis.xlen(DEAD_LETTERS) == 0


def test_a_message_about_a_removed_camera_is_counted_and_gone(recorder, redis, camera, new_epoch):
    send(redis, track(uuid4(), new_epoch), account(uuid4(), new_epoch, 3))
    recorder.drain()
    assert recorder.counts["unknown"] == 2
    assert (redis.xlen(RESULTS), redis.xlen(DEAD_LETTERS)) == (0, 0)


def test_the_newest_status_wins_and_changes_are_on_the_feed(recorder, redis, camera, new_epoch):
    now = time.time()
    send(
        redis,
        status(camera.pk, new_epoch, at=now),
        status(camera.pk, new_epoch, at=now + 2, state=CameraState.STALLED, code="no_frames"),
        status(camera.pk, new_epoch, at=now + 1),
        status(camera.pk, new_epoch, at=now + 3, state=CameraState.STALLED, code="no_frames"),
    )
    recorder.drain()
    runtime = CameraRuntime.objects.get()
    assert (runtime.state, runtime.at.timestamp()) == ("stalled", pytest.approx(now + 3))
    assert runtime.since.timestamp() == pytest.approx(now + 2)
    assert FeedEntry.objects.filter(kind="camera_state").count() == 2


def test_a_camera_of_which_nobody_reports_is_not_live(recorder, redis, camera, new_epoch):
    send(redis, status(camera.pk, new_epoch, at=time.time() - 25, detail="of then", retry_in_s=4.0))
    recorder.drain()
    runtime = CameraRuntime.objects.get()
    assert (runtime.shown_state, runtime.shown_code) == ("silent", "not_reporting")
    shown = state_summary(runtime)
    assert (shown["state"], shown["detail"], shown["retry_in_s"]) == ("silent", "", None)
    send(redis, status(camera.pk, new_epoch))
    recorder.drain()
    assert CameraRuntime.objects.get().shown_state == "streaming"
    assert FeedEntry.objects.filter(kind="camera_state").count() == 2, "the wall was not told"


def test_what_a_wrong_clock_said_does_not_outlast_the_truth(recorder, redis, camera, new_epoch):
    ahead = time.time() + 3600
    send(redis, status(camera.pk, new_epoch, at=ahead))
    send(redis, status(camera.pk, new_epoch, state=CameraState.STALLED, code="no_frames"))
    recorder.drain()
    assert CameraRuntime.objects.get().shown_state == "stalled"


def test_a_new_run_closes_the_old_one_and_the_identity_holds(recorder, redis, camera):
    now = time.time()
    old, new = str(uuid4()), str(uuid4())
    send(redis, account(camera.pk, old, 100, 4, at=now, analysed=90, skipped={"rate": 5}, lost={"busy": 1}))
    recorder.drain()
    assert accounting_for(camera).in_flight == 4
    send(redis, account(camera.pk, new, 10, 1, at=now + 5))
    recorder.drain()
    figures = accounting_for(camera)
    assert figures.balances
    assert (figures.captured, figures.in_flight) == (110, 1)
    assert figures.lost == {"busy": 1, "process_restart": 4}


def test_a_late_word_of_a_closed_run_is_heard(recorder, redis, camera):
    now = time.time()
    old, new = str(uuid4()), str(uuid4())
    send(
        redis,
        account(camera.pk, old, 100, 4, at=now),
        account(camera.pk, new, 10, 1, at=now + 5),
        account(camera.pk, old, 103, 2, at=now + 1),
    )
    recorder.drain()
    figures = accounting_for(camera)
    assert figures.balances
    assert (figures.captured, figures.lost) == (113, {"process_restart": 2})


@pytest.mark.parametrize("changes", [{"analysed": 5}, {"skipped": {"rate": -1}}, {"in_flight": -1}])
def test_counters_that_do_not_balance_are_refused(recorder, redis, camera, new_epoch, changes):
    message = account(camera.pk, new_epoch, 10, **{"in_flight": 0} | changes)
    send(redis, message)
    recorder.drain()
    assert not FrameAccount.objects.exists()
    assert redis.xlen(DEAD_LETTERS) == 1


def test_it_takes_over_what_a_dead_recorder_held(recorder, redis, camera, new_epoch, monkeypatch):
    monkeypatch.setattr("apps.dispatch.recorder.CLAIM_IDLE_MS", 0)
    recorder._prepare()
    send(redis, track(camera.pk, new_epoch))
    redis.xreadgroup(RESULTS_GROUP, "dead", {RESULTS: ">"})
    recorder.drain()
    assert CLAIM_IDLE_MS > 0
    assert Event.objects.count() == 1
    assert redis.xpending(RESULTS, RESULTS_GROUP)["pending"] == 0


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_a_database_that_is_away(redis, camera, new_epoch, monkeypatch):
    from django.db import OperationalError

    recorder = Recorder(redis)
    answers = iter([OperationalError("gone"), OperationalError("gone")])
    apply = recorder._apply

    def sometimes(entries):
        for error in answers:
            raise error
        return apply(entries)

    monkeypatch.setattr(recorder, "_apply", sometimes)
    send(redis, track(camera.pk, new_epoch))
    recorder.drain()
    assert Event.objects.count() == 1
    assert recorder.counts["database_errors"] == 2


@pytest.mark.django_db(transaction=True)
def test_its_heartbeat_says_what_waits(redis, camera, new_epoch):
    recorder = Recorder(redis)
    send(redis, track(camera.pk, new_epoch))
    recorder._prepare()
    recorder._turn()
    beat = json.loads(redis.hget(HEARTBEATS, "recorder"))
    assert beat["waiting"] == 1
    assert beat["rss_bytes"] > 1_000_000
    assert abs(beat["at"] - time.time()) < 5
