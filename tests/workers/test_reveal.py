"""What a grant shows: its time, its track, with a watermark, sealed with the grant's own key."""

import base64
import hashlib
import io
import json
from dataclasses import replace

import av
import numpy as np
import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from inference_workers.contracts.lease import RedactionPolicy
from inference_workers.contracts.recording import RecordingMode, RecordingPolicy
from inference_workers.contracts.reveals import RevealSegment, reveal_key
from inference_workers.engine.frame import Frame
from inference_workers.engine.originals import OriginalKeeper
from inference_workers.engine.recorder import Recorder, Scene
from inference_workers.engine.redaction import mosaic_frame, redact
from inference_workers.engine.watermarks import Watermark
from inference_workers.objects import Objects
from inference_workers.tasks.counters import Counters
from inference_workers.tasks.reveal import RevealMaker
from tests.engine.test_originals import KEY, content_key, seal_context
from tests.engine.test_recorder import T0, lease

LEASE_KEY = Fernet.generate_key().decode()
OUTPUT_KEY = bytes(range(32))
LEFT, RIGHT = (0.1, 0.2, 0.3, 0.9), (0.6, 0.2, 0.8, 0.9)


@pytest.fixture
def objects(tmp_path):
    return Objects((tmp_path / "objects").as_uri())


@pytest.fixture
def maker(objects):
    return RevealMaker(objects, LEASE_KEY, Counters(), clock=lambda: T0)


def picture():
    """Grey with two 'faces' of fine checks, left and right."""
    image = np.full((360, 640, 3), 120, np.uint8)
    checks = (np.indices((60, 60)).sum(axis=0) // 3 % 2 * 200 + 20).astype(np.uint8)[:, :, None]
    image[90:150, 100:160] = checks
    image[90:150, 420:480] = checks
    return image


FACES = np.array([[100.0, 90, 160, 150], [420, 90, 480, 150]])


@pytest.fixture
def segment(objects):
    recorder = Recorder(
        replace(lease(), recording=RecordingPolicy(mode=RecordingMode.CONTINUOUS, seal=KEY)), OriginalKeeper()
    )
    recorder.epoch = "e1"
    for number in range(6):
        raw = Frame(picture(), "cam-a", "e1", number, T0 + number / 5)
        shown = redact(raw, FACES, RedactionPolicy()) if number < 5 else mosaic_frame(raw, ())
        recorder.take(raw, shown, Scene(T0, {1: LEFT, 2: RIGHT}, {}))
    (made,) = recorder.finish()
    objects.put(made.result.original.object_key, made.sealed)
    return made


def message(segment, **changes):
    result = segment.result
    context = seal_context("key-1", "cam-a", result.segment_id)
    keys = {"content": content_key(segment.sealed, context), "output": OUTPUT_KEY}
    text = json.dumps({name: base64.b64encode(key).decode() for name, key in keys.items()})
    values = {
        "part_id": "part-1", "attempt": 1, "segment_id": result.segment_id, "camera_id": "cam-a",
        "key_id": "key-1", "input_key": result.original.object_key,
        "input_sha256": result.original.sha256, "output_key": reveal_key("grant-1", "part-1"),
        "sealed_keys": Fernet(LEASE_KEY).encrypt(text.encode()).decode(), "since": T0, "until": T0 + 10,
        "watermark": "alice 2026-11-24 08:00 grant-1", "redaction": RedactionPolicy(),
        "deadline_at": T0 + 60,
    }  # fmt: skip
    return RevealSegment(**{**values, **changes})


def frames_of(objects):
    blob = objects.get(reveal_key("grant-1", "part-1"))
    video = AESGCM(OUTPUT_KEY).decrypt(blob[:12], blob[12:], b"part-1")
    with av.open(io.BytesIO(video)) as file:
        return [frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)]


def detail(image, left):
    return float(image[95:145, left + 5 : left + 55].astype(float).std())


def test_the_granted_time_is_shown_and_nothing_else(maker, objects, segment):
    reply = maker.reveal(message(segment, since=T0 + 0.2, until=T0 + 0.6))
    assert (reply.error_code, reply.frames) == (None, 3)
    shown = frames_of(objects)
    assert len(shown) == 3
    assert min(detail(image, left) for image in shown for left in (100, 420)) > 60
    assert reply.output_sha256 == hashlib.sha256(objects.get(reveal_key("grant-1", "part-1"))).hexdigest()


def test_with_a_track_the_other_person_stays_covered(maker, objects, segment):
    maker.reveal(message(segment, track_id=1, until=T0 + 0.8))
    for image in frames_of(objects):
        assert detail(image, 100) > 60
        assert detail(image, 420) < 45  # the watermark alone


def test_a_track_that_is_not_there_uncovers_nobody(maker, objects, segment):
    maker.reveal(message(segment, track_id=9, until=T0 + 0.8))
    for image in frames_of(objects):
        assert max(detail(image, 100), detail(image, 420)) < 45


def test_where_nobody_looked_for_faces_a_track_shows_a_mosaic(maker, objects, segment):
    maker.reveal(message(segment, track_id=1, since=T0 + 0.9))
    (image,) = frames_of(objects)
    assert max(detail(image, 100), detail(image, 420)) < 45


def test_a_face_in_two_boxes_stays_covered(objects, maker):
    from inference_workers.tasks.reveal import _granted_cover

    cover = [0.2, 0.3, 0.3, 0.4]
    crowd = {"boxes": {"1": LEFT, "2": (0.15, 0.1, 0.5, 0.9)}, "covered_xyxy": [cover]}
    assert _granted_cover(crowd, "1") is None
    assert _granted_cover({**crowd, "boxes": {"1": LEFT}}, "1") == cover


def test_every_picture_says_who_looks(maker, objects, segment):
    maker.reveal(message(segment, until=T0 + 0.2))
    plain = picture()
    for image in frames_of(objects):
        changed = np.abs(image.astype(int) - plain).max(axis=2)[200:]  # below the faces the ground is flat
        assert (changed > 12).mean() > 0.01
        assert all((part > 12).any() for part in np.array_split(changed, 3, axis=1))


def test_a_watermark_is_readable_on_light_and_on_dark():
    for value in (5, 250):
        ground = np.full((360, 640, 3), value, np.uint8)
        marked = Watermark("alice", 640, 360).draw(ground)
        assert np.abs(marked.astype(int) - ground).max() > 40


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"deadline_at": T0 - 1}, "deadline_passed"),
        ({"input_sha256": "00" * 32}, "original_changed"),
        ({"camera_id": "cam-b"}, "sealed_wrong_key"),
        ({"sealed_keys": "nonsense"}, "keys_unreadable"),
        ({"since": T0 + 100, "until": T0 + 200}, "nothing_granted"),
        ({"input_key": "originals/cam-a/2026-09-21/none.sealed"}, "object_missing"),
    ],
)
def test_what_is_not_granted_is_not_shown(maker, objects, segment, changes, code):
    reply = maker.reveal(message(segment, **changes))
    assert reply.error_code == code
    from inference_workers.engine.errors import EngineError

    with pytest.raises(EngineError):
        objects.get(reveal_key("grant-1", "part-1"))
