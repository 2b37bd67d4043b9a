"""Recording in a real streams process: the file lies in the store before its result is told."""

import hashlib
import io
from dataclasses import replace

import av
import pytest

from inference_workers.contracts.recording import RecordingMode, RecordingPolicy, SegmentResult
from inference_workers.engine.errors import EngineError
from inference_workers.engine.recorder import Segment
from inference_workers.objects import Objects
from inference_workers.streams.recording import RecordingSink
from tests.workers.stream_parts import OwnWorker, make_lease, running_streams, wait_for

ALWAYS = RecordingPolicy(mode=RecordingMode.CONTINUOUS, segment_s=1.5)


@pytest.fixture
def plane(redis_url, tmp_path):
    with running_streams(redis_url, tmp_path) as plane:
        worker = OwnWorker(redis_url, plane.settings.shm_dir)
        worker.start()
        yield plane
        worker.stop()


def test_a_camera_is_recorded_and_the_rest_comes_when_its_lease_goes(plane):
    lease = make_lease(recording=ALWAYS)
    plane.issue(lease)
    wait_for(lambda: len(plane.messages(SegmentResult)) >= 2, 15, lambda: "two segments")
    told = len(plane.messages(SegmentResult))
    plane.withdraw("cam-a")
    wait_for(lambda: len(plane.messages(SegmentResult)) > told, 5, lambda: "the open segment")
    objects = Objects(plane.settings.object_store_url)
    segments = plane.messages(SegmentResult)
    assert [item.number for item in segments] == list(range(len(segments)))
    for item in segments:
        data = objects.get(item.object_key)
        assert hashlib.sha256(data).hexdigest() == item.sha256
        with av.open(io.BytesIO(data)) as file:
            assert sum(1 for _ in file.decode(video=0)) == item.frames
        assert sum(item.redaction.values()) == item.frames
        assert item.lease_id == lease.lease_id


def test_a_camera_that_may_not_record_does_not(plane):
    plane.issue(make_lease())
    wait_for(lambda: plane.account().captured > 30, 15, lambda: "frames")
    assert plane.messages(SegmentResult) == []


class Results:
    """What the recorder would be told."""

    def __init__(self):
        self.sent = []

    def send(self, message):
        self.sent.append(message)


@pytest.fixture
def segment():
    result = SegmentResult(
        segment_id="s", camera_id="cam-a", epoch="e", number=0, started_at=0, ended_at=1, frames=1, width=2,
        height=2, bytes=4, sha256="", object_key="segments/cam-a/2026-01-01/s.mp4", lease_id="l",
        reason=RecordingMode.EVENTS,
    )  # fmt: skip
    return Segment(result, b"data")


def test_while_the_store_is_away_segments_wait_and_nothing_is_told(segment, monkeypatch):
    monkeypatch.setattr("inference_workers.streams.recording.RETRY_S", 0.02)
    results, stored, away = Results(), [], [True]

    def put(key, data):
        if away[0]:
            raise EngineError("object_store_unreachable", "away", transient=True)
        stored.append(key)

    sink = RecordingSink(put, results)
    sink.start()
    sink.store([segment])
    wait_for(lambda: sink.failed > 1, 5, lambda: "attempts")
    assert (results.sent, len(sink)) == ([], 1)
    away[0] = False
    wait_for(lambda: sink.stored == 1, 5, lambda: "the segment")
    sink.stop()
    assert stored == [segment.result.object_key]
    assert results.sent == [segment.result]


def test_more_than_memory_holds_is_lost_and_counted(segment, monkeypatch):
    monkeypatch.setattr("inference_workers.streams.recording.WAITING_BYTES_MAX", 10)
    sink = RecordingSink(lambda key, data: None, Results())  # its thread never starts
    sink.store([segment, replace(segment, data=b"later")])
    assert (len(sink), sink.lost) == (2, 0)
    sink.store([replace(segment, data=b"last")])
    assert (len(sink), sink.lost) == (2, 1)
