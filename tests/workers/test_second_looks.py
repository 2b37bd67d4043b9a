"""From a redacted picture that leaves to the sample that is recorded: sampled seldom, looked at once."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import redis
import skimage.data

from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.leaks import PictureKind, SecondLook
from inference_workers.contracts.lease import RedactionPolicy, Zone, ZoneKind
from inference_workers.contracts.models import ModelCard
from inference_workers.contracts.names import RESULTS, SECOND_LOOKS, sample_key
from inference_workers.contracts.results import LeakSample
from inference_workers.engine.frame import Frame
from inference_workers.engine.model_directory import ModelDirectory
from inference_workers.engine.redaction import encode_jpeg, mosaic_frame, redact
from inference_workers.streams.leaks import WAITING_MAX, SampleSink
from inference_workers.streams.sinks import LIVE_MAX_WIDTH_PX, LIVE_QUALITY
from inference_workers.tasks.counters import Counters
from inference_workers.tasks.loaded import LoadedModels
from inference_workers.tasks.second_look import Lookers, SecondLooks
from tests.engine.onnx_graphs import worker_settings
from tests.workers.stream_parts import make_lease

FACE = np.array([[181.5, 58.2, 269.9, 177.8]])
NOBODY = np.zeros((0, 4))
LIVE, SNAPSHOT = PictureKind.LIVE, PictureKind.SNAPSHOT


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        yield client


def redacted(faces=NOBODY, seq=1):
    image = np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1])
    return redact(Frame(image, "cam-a", "e1", seq, time.time()), faces, RedactionPolicy())


def lease_of(per_h=30, **changes):
    return make_lease(redaction=RedactionPolicy(second_looks_per_h=per_h), **changes)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    directory = ModelDirectory(worker_settings(tmp_path_factory.mktemp("models")))
    return directory, LoadedModels(directory)


@pytest.fixture
def looks(client, models):
    directory, loaded = models
    return SecondLooks(client, Lookers(directory.cards, loaded), Counters(), lambda: False, share=1.0)


def samples(client):
    return [decode(LeakSample, fields[b"data"]) for _, fields in client.xrange(RESULTS)]


def test_as_many_pictures_are_sampled_as_the_lease_says(client):
    clock = Clock()
    sink = SampleSink(client, clock=clock)
    picture, lease = redacted(), lease_of(60)
    for _ in range(2 * 3600):
        clock.now += 1
        sink.offer(picture, lease, LIVE)
    assert 100 <= sink.taken <= 140
    assert client.llen(SECOND_LOOKS) == WAITING_MAX


def test_the_first_picture_is_sampled_soon_and_each_camera_has_its_turn(client):
    clock = Clock()
    sink = SampleSink(client, clock=clock)
    for _ in range(25):
        clock.now += 1
        for camera in ("cam-a", "cam-b"):
            sink.offer(redacted(), lease_of(30, camera_id=camera), LIVE)
    waiting = [decode(SecondLook, entry).camera_id for entry in client.lrange(SECOND_LOOKS, 0, -1)]
    assert sorted(waiting) == ["cam-a", "cam-b"]


def test_mosaics_and_cameras_without_second_looks_are_not_sampled(client):
    sink = SampleSink(client, clock=lambda: 0.0)
    frame = Frame(np.zeros((90, 160, 3), np.uint8), "cam-a", "e1", 1, 1.0)
    assert not sink.offer(mosaic_frame(frame), lease_of(), LIVE)
    assert not sink.offer(redacted(), lease_of(0), LIVE)
    with pytest.raises(TypeError):
        sink.offer(frame.image, lease_of(), LIVE)
    assert client.keys() == []


def sampled(client, picture, kind=LIVE, **changes):
    clock = Clock()
    sink = SampleSink(client, clock=clock)
    lease = lease_of(3600, **changes)
    while not sink.offer(picture, lease, kind):
        clock.now += 1


def test_what_is_looked_at_is_what_the_viewer_got_and_it_expires(client):
    picture = redacted(FACE)
    mask = Zone("z1", "desk", ZoneKind.PRIVACY_MASK, ((0.0, 0.0), (0.1, 0.0), (0.1, 0.1)))
    sampled(client, picture, zones=(mask,))
    wanted = decode(SecondLook, client.lindex(SECOND_LOOKS, 0))
    key = sample_key(wanted.sample_id)
    assert client.get(key) == encode_jpeg(picture, LIVE_QUALITY, LIVE_MAX_WIDTH_PX)
    assert 0 < client.ttl(key) <= 300
    assert wanted.masks == (mask.polygon,)
    assert wanted.faces_family == "centerface"
    [box] = wanted.covered_xyxy
    assert box == pytest.approx((159 / 512, 28 / 512, 292 / 512, 208 / 512), abs=0.004)


@pytest.mark.parametrize(("faces", "count"), [(NOBODY, 1), (FACE, 0)])
def test_a_planted_leak_is_found_and_a_covered_face_is_not(client, looks, faces, count):
    sampled(client, redacted(faces), SNAPSHOT)
    assert looks.take_one(1.0) > 0
    [sample] = samples(client)
    assert len(sample.leaks) == count
    assert (sample.kind, sample.camera_id, sample.lease_id) == (SNAPSHOT, "cam-a", "lease-cam-a")
    assert sample.lookers == ("centerface", "centerface 1.5x", "centerface with cascade")
    assert client.keys("vidette:sample*") == []
    for leak in sample.leaks:
        assert np.array(leak.box_xyxy) * 512 == pytest.approx(FACE[0], abs=25)


def test_a_sample_that_came_too_late_is_in_no_count(client, looks):
    sampled(client, redacted())
    client.delete(sample_key(decode(SecondLook, client.lindex(SECOND_LOOKS, 0)).sample_id))
    looks.take_one(1.0)
    assert samples(client) == []
    assert looks._counters.as_dict()["second_looks_late"] == 1


def test_hostile_samples_are_dropped_and_the_next_is_looked_at(client, looks):
    sampled(client, redacted())
    wanted = decode(SecondLook, client.lpop(SECOND_LOOKS))
    client.rpush(SECOND_LOOKS, b"no json", encode(replace(wanted, sample_id="bad")), encode(wanted))
    client.set(sample_key("bad"), b"\xff\xd8\xff no picture")
    for _ in range(3):
        looks.take_one(1.0)
    assert [sample.sample_id for sample in samples(client)] == [wanted.sample_id]
    assert looks._counters.as_dict()["errors"] == {"bad_message": 1, "image_truncated": 1}


def test_another_family_looks_where_one_is_installed(models):
    directory, loaded = models
    installed = {
        "yunet-n": ModelCard("yunet-n", "yunet", "face", "0" * 64, "MIT", "x", ("face",), (320, 320)),
        "centerface": next(card for card in directory.cards() if card.name == "centerface"),
    }
    lookers = Lookers(installed.values, loaded)
    assert [looker.name for looker in lookers.for_family("yunet")] == ["centerface"]
    installed["yunet-n"] = replace(installed["yunet-n"], problem="the file is damaged")
    assert [looker.name for looker in lookers.for_family("centerface")][-1].endswith("cascade")


def test_it_takes_its_share_of_the_time_and_no_more(client, models, monkeypatch):
    directory, loaded = models
    looks = SecondLooks(client, Lookers(directory.cards, loaded), Counters(), lambda: False, share=0.5)
    turns = []
    monkeypatch.setattr(looks, "take_one", lambda wait_s: turns.append(time.monotonic()) or 0.1)
    looks.start()
    time.sleep(0.75)
    looks.stop()
    looks.join(2)
    assert not looks.is_alive()
    assert 4 <= len(turns) <= 8  # 0.1 s of work, then 0.1 s of rest (the work itself takes no time here)


def test_it_waits_while_frames_are_analysed(client, models, monkeypatch):
    directory, loaded = models
    busy = threading.Event()
    busy.set()
    looks = SecondLooks(client, Lookers(directory.cards, loaded), Counters(), busy.is_set)
    sampled(client, redacted())
    threading.Timer(0.5, busy.clear).start()
    started = time.monotonic()
    looks.take_one(1.0)
    assert time.monotonic() - started >= 0.5
    assert len(samples(client)) == 1
