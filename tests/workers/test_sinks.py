"""Sinks: encoded only while watched, nothing reported is lost, and no raw picture gets in."""

import numpy as np
import pytest
from redis import Redis

from inference_workers.contracts.codec import decode
from inference_workers.contracts.lease import Lease, ModelRef, Source, SourceKind
from inference_workers.contracts.live import LiveBox, unpack
from inference_workers.contracts.names import RESULTS, live_channel, live_latest, watch_key
from inference_workers.contracts.results import Account, ReadingResult, TrackResult
from inference_workers.engine.display import DisplayFrame, Report
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Frame
from inference_workers.engine.redaction import mosaic_frame
from inference_workers.streams import sinks
from inference_workers.streams.sinks import LiveSink, ResultSink, SnapshotSink
from tests.services import RedisServer

MODEL = ModelRef("v1", "yolox", "yolox", "0" * 64)
RAW = np.zeros((90, 160, 3), np.uint8)


@pytest.fixture(scope="module")
def server():
    server = RedisServer().start()
    yield server
    server.stop()


@pytest.fixture
def redis(server):
    with Redis.from_url(server.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def lease():
    source = Source(SourceKind.SYNTHETIC, "lobby")
    return Lease("lease-1", "camera-1", "Lobby", "UTC", 0.0, 1e9, 1, source, ())


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def _picture(seq=0):
    return mosaic_frame(Frame(RAW, "camera-1", "epoch-1", seq, 900.0 + seq))


def _track(revision=1, key=None):
    return TrackResult(
        camera_id="camera-1",
        epoch="epoch-1",
        track_id=4,
        revision=revision,
        ended=False,
        label="person",
        confidence=0.9,
        first_seen_at=1.0,
        last_seen_at=2.0,
        best_box_xyxy=(0.1, 0.1, 0.2, 0.2),
        path=(),
        zone_ids=(),
        model=MODEL,
        lease_id="lease-1",
        snapshot_key=key,
        snapshot_redaction="tracks" if key else None,
    )


def _account(captured):
    return Account("camera-1", "epoch-1", float(captured), captured, captured, 0)


def test_nothing_is_encoded_while_nobody_watches(redis, lease, monkeypatch):
    def refuse(*_):
        raise AssertionError("encoded although nobody watches")

    monkeypatch.setattr(sinks, "encode_jpeg", refuse)
    assert LiveSink(redis).publish(DisplayFrame(_picture()), lease) is False


def test_a_watched_picture_goes_to_the_channel_and_to_the_key(redis, lease):
    redis.set(watch_key("camera-1"), 1, ex=5)
    with redis.pubsub(ignore_subscribe_messages=True) as viewer:
        viewer.subscribe(live_channel("camera-1"))
        box = LiveBox(7, "person", 0.9, (0.1, 0.1, 0.2, 0.3))
        shown = DisplayFrame(_picture(3), (box,), {"detect": "v1"})
        assert LiveSink(redis, clock=Clock()).publish(shown, lease) is True
        viewer.get_message(timeout=1)
        message = viewer.get_message(timeout=1)
    header, jpeg = unpack(message["data"])
    assert (header.seq, header.width, header.height, header.redaction) == (3, 160, 90, "mosaic")
    assert (header.published_at, header.boxes, header.models) == (1000.0, (box,), {"detect": "v1"})
    assert jpeg.startswith(b"\xff\xd8")
    assert redis.get(live_latest("camera-1")) == message["data"]
    assert 0 < redis.pttl(live_latest("camera-1")) <= 5000


def test_the_frame_rate_is_measured(redis, lease):
    redis.set(watch_key("camera-1"), 1)
    clock = Clock()
    sink = LiveSink(redis, clock=clock)
    for seq in range(11):
        sink.publish(DisplayFrame(_picture(seq)), lease)
        clock.now += 0.1
    header, _ = unpack(redis.get(live_latest("camera-1")))
    assert header.fps == pytest.approx(10, abs=0.1)


def test_viewers_are_asked_for_at_most_twice_a_second(redis, lease):
    clock = Clock()
    sink = LiveSink(redis, clock=clock)
    assert not sink.is_watched("camera-1")
    redis.set(watch_key("camera-1"), 1)
    clock.now += 0.4
    assert not sink.is_watched("camera-1")
    clock.now += 0.2
    assert sink.is_watched("camera-1")


def test_the_last_picture_goes_with_the_lease(redis, lease):
    redis.set(watch_key("camera-1"), 1)
    sink = LiveSink(redis)
    sink.publish(DisplayFrame(_picture()), lease)
    sink.forget("camera-1")
    assert redis.get(live_latest("camera-1")) is None


def test_live_pictures_are_lost_and_counted_when_redis_is_away(lease):
    server = RedisServer().start()
    with Redis.from_url(server.url) as client:
        client.set(watch_key("camera-1"), 1)
        sink = LiveSink(client, clock=Clock())
        assert sink.publish(DisplayFrame(_picture()), lease)
        server.kill()
        assert sink.publish(DisplayFrame(_picture()), lease) is False
        assert (sink.published, sink.lost) == (1, 1)
    server.stop()


@pytest.mark.parametrize("raw", [RAW, Frame(RAW, "c", "e", 1, 1.0), DisplayFrame(RAW), RAW.tobytes()])
def test_no_raw_picture_gets_out(raw, redis, lease):
    redis.set(watch_key("camera-1"), 1)
    stored = []
    with pytest.raises(TypeError):
        LiveSink(redis).publish(raw, lease)
    with pytest.raises(TypeError):
        SnapshotSink(lambda key, data: stored.append(key)).store(Report(_track(key="snapshots/a"), raw))
    assert stored == []
    assert redis.get(live_latest("camera-1")) is None


def test_a_snapshot_is_stored_under_its_key():
    stored = {}
    sink = SnapshotSink(stored.__setitem__)
    result = _track(key="snapshots/camera-1/2026-01-01/a.jpg")
    assert sink.store(Report(result, _picture())) is result
    assert stored[result.snapshot_key].startswith(b"\xff\xd8")
    assert sink.stored == 1


def test_a_result_never_names_a_snapshot_that_was_not_stored(caplog):
    def put(key, data):
        raise EngineError("object_store_unreachable", "disk full")

    sink = SnapshotSink(put)
    first = sink.store(Report(_track(1, "snapshots/a"), _picture()))
    later = sink.store(Report(_track(2, "snapshots/a")))
    assert [item.snapshot_key for item in (first, later)] == [None, None]
    assert first.snapshot_redaction is None
    assert sink.failed == 1
    assert "disk full" in caplog.text


def test_results_reach_the_stream_in_order(redis):
    sink = ResultSink(redis)
    reading = ReadingResult(
        "id", "camera-1", "e", 1, 1.0, "EXIT", "latin", 0.9, (0, 0, 1, 1), None, MODEL, "lease-1"
    )
    assert sink.send(_track())
    assert sink.send(reading)
    entries = [fields for _, fields in redis.xrange(RESULTS)]
    assert [entry[b"type"] for entry in entries] == [b"TrackResult", b"ReadingResult"]
    assert decode(TrackResult, entries[0][b"data"]) == _track()
    assert sink.sent == 2


def test_nothing_is_lost_while_redis_restarts():
    server = RedisServer().start()
    with Redis.from_url(server.url) as client:
        clock = Clock()
        sink = ResultSink(client, clock=clock)
        server.kill()
        for number in range(500):
            assert not sink.send(_account(number))
        assert len(sink) == 500
        server.start()
        clock.now += 1
        assert sink.flush()
        data = [decode(Account, fields[b"data"]) for _, fields in client.xrange(RESULTS)]
    server.stop()
    assert [item.captured for item in data] == list(range(500))
    assert sink.dropped == 0


def test_the_backlog_is_bounded_and_what_falls_out_is_counted():
    server = RedisServer()  # never started
    with Redis.from_url(server.url) as client:
        sink = ResultSink(client, backlog=3, clock=Clock())
        for number in range(5):
            sink.send(_account(number))
        assert (len(sink), sink.dropped, sink.sent) == (3, 2, 0)
    server.stop()
