"""Which pictures become a segment, and that the file holds them."""

import hashlib
import io
from dataclasses import replace

import av
import numpy as np
import pytest

from inference_workers.contracts.lease import Lease, RedactionPolicy, Source, SourceKind, Stage
from inference_workers.contracts.recording import RecordingMode, RecordingPolicy
from inference_workers.engine import segments
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Frame
from inference_workers.engine.recorder import Recorder, Scene
from inference_workers.engine.redaction import mosaic_frame, redact

T0 = 1_790_000_000.0
NOTHING = Scene(None)


def lease(mode=RecordingMode.EVENTS, **policy):
    return Lease(
        lease_id="l1", camera_id="cam-a", camera_name="Lobby", time_zone="UTC", issued_at=T0,
        valid_until=T0 + 600, revision=1, source=Source(SourceKind.SYNTHETIC, "clock"), stages=(Stage.VIEW,),
        recording=RecordingPolicy(mode=mode, **policy),
    )  # fmt: skip


def frame(at, size=(90, 160)):
    image = np.full((*size, 3), int(at * 10) % 200, np.uint8)
    return Frame(image, "cam-a", "e1", int(at * 10), T0 + at)


def feed(recorder, times, scene):
    for at in times:
        if recorder.wants(T0 + at):
            shown = frame(at)
            recorder.take(shown, mosaic_frame(shown, ()), scene(at) if callable(scene) else scene)


def steps(start, end, fps=5):
    return [start + i / fps for i in range(round((end - start) * fps))]


@pytest.fixture
def recorder():
    made = Recorder(lease())
    made.epoch = "e1"
    return made


def times_of(segment):
    with av.open(io.BytesIO(segment.data)) as file:
        return [round(shown.time, 2) for shown in file.decode(video=0)]


def test_what_happens_is_kept_with_what_came_just_before_and_after(recorder):
    feed(recorder, steps(0, 20), lambda at: Scene(T0 + 8.0) if 8.6 <= at <= 12 else NOTHING)
    segments_ = recorder.finished(T0 + 30)
    first, last = segments_[0].result, segments_[-1].result
    assert first.started_at == pytest.approx(T0 + 6.6, abs=0.21)  # two seconds before the look that saw it
    assert last.ended_at == pytest.approx(T0 + 15, abs=0.21)
    assert sum(item.result.frames for item in segments_) == pytest.approx(5 * 8.4, abs=2)


def test_nothing_happens_nothing_is_kept(recorder):
    feed(recorder, steps(0, 30), NOTHING)
    assert recorder.finish() == []


def test_the_pictures_are_in_the_file_at_their_times(recorder):
    feed(recorder, steps(0, 3), Scene(T0))
    (segment,) = recorder.finish()
    assert times_of(segment) == [round(at, 2) for at in steps(0, 3)]
    assert segment.result.sha256 == hashlib.sha256(segment.data).hexdigest()
    assert segment.result.bytes == len(segment.data)
    assert segment.result.redaction == {"mosaic": 15}
    assert (segment.result.width, segment.result.height) == (160, 90)
    assert segment.result.object_key == f"segments/cam-a/2026-09-21/{segment.result.segment_id}.mp4"


def test_a_long_happening_is_cut_into_files_that_follow_each_other():
    recorder = Recorder(lease(RecordingMode.CONTINUOUS, segment_s=4.0))
    recorder.epoch = "e1"
    feed(recorder, steps(0, 13), NOTHING)
    told = [segment.result for segment in recorder.finish()]
    assert [round(item.started_at - T0, 1) for item in told] == [0.0, 4.0, 8.0, 12.0]
    assert [item.number for item in told] == [0, 1, 2, 3]
    assert len({item.segment_id for item in told}) == 4
    assert sum(item.frames for item in told) == 65


def test_a_pause_ends_the_file(recorder):
    feed(recorder, [0, 0.2, 0.4, 5.0, 5.2], Scene(T0))
    assert [item.result.frames for item in recorder.finish()] == [3, 2]


def test_a_file_is_complete_when_nothing_comes_any_more(recorder):
    feed(recorder, steps(0, 1), Scene(T0))
    assert recorder.finished(T0 + 2) == []
    assert len(recorder.finished(T0 + 5)) == 1
    assert recorder.finished(T0 + 6) == []


@pytest.mark.parametrize("change", ["off", "no view"])
def test_without_permission_nothing_is_wanted(change):
    allowed = lease() if change == "no view" else lease(RecordingMode.OFF)
    recorder = Recorder(replace(allowed, stages=()) if change == "no view" else allowed)
    assert not recorder.wants(T0)


def test_another_lease_begins_another_file(recorder):
    feed(recorder, steps(0, 1), Scene(T0))
    recorder.update_lease(replace(lease(), lease_id="l2"))
    feed(recorder, steps(1, 2), Scene(T0))
    assert [item.result.lease_id for item in recorder.finish()] == ["l1", "l2"]


def test_a_renewed_lease_goes_on_with_the_file(recorder):
    feed(recorder, steps(0, 1), Scene(T0))
    recorder.update_lease(replace(lease(), valid_until=T0 + 900))
    feed(recorder, steps(1, 2), Scene(T0))
    assert len(recorder.finish()) == 1


def test_what_was_held_back_under_another_policy_is_forgotten(recorder):
    feed(recorder, steps(0, 1), NOTHING)
    recorder.update_lease(replace(lease(), lease_id="l2", redaction=RedactionPolicy(targets=("person",))))
    feed(recorder, steps(1, 1.4), Scene(T0))
    (segment,) = recorder.finish()
    assert segment.result.started_at >= T0 + 1


def test_a_new_size_begins_a_new_file(recorder):
    for at, size in ((0, (90, 160)), (0.2, (90, 160)), (0.4, (120, 160))):
        shown = frame(at, size)
        recorder.take(shown, mosaic_frame(shown, ()), Scene(T0))
    assert [item.result.height for item in recorder.finish()] == [90, 120]


def test_odd_sizes_become_even_and_large_ones_smaller():
    assert segments.even_size(1919, 1079, 960) == (960, 540)
    assert segments.even_size(161, 91, 960) == (160, 90) or segments.even_size(161, 91, 960) == (160, 92)


def test_a_broken_encoder_costs_the_segment_and_nothing_else(recorder, monkeypatch):
    def refuse(*_):
        raise EngineError("encode_failed", "no")

    feed(recorder, steps(0, 1), Scene(T0))
    monkeypatch.setattr(segments.VideoWriter, "add", refuse)
    feed(recorder, steps(1, 1.2), Scene(T0))
    monkeypatch.undo()
    assert recorder.failures == 1
    feed(recorder, steps(2, 3), Scene(T0))
    assert [item.result.frames for item in recorder.finish()] == [5]


def test_nothing_but_a_redacted_frame_is_encoded():
    raw = frame(0)
    with pytest.raises(TypeError):
        segments.prepare(raw, 960)
    covered = redact(raw, np.zeros((0, 4)), RedactionPolicy())
    assert segments.prepare(covered, 80).size == (80, 46) or segments.prepare(covered, 80).size == (80, 44)


def test_a_long_display_delay_does_not_cut_the_recording_into_crumbs():
    from inference_workers.engine.pipeline import CameraPipeline

    late = lease(RecordingMode.CONTINUOUS)
    pipeline = CameraPipeline(replace(late, redaction=RedactionPolicy(display_delay_s=3.0)))
    told = []
    for number in range(60):
        at = number / 5
        pipeline.add_frame(frame(at))
        pipeline.due(T0 + at, watched=False)
        told += pipeline.segments(T0 + at)
    assert told == []
    assert len(pipeline.recorder.finish()) == 1
