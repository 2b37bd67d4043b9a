"""The camera pipeline: nothing is shown that was not looked at, one event per track, snapshots redacted."""

from dataclasses import replace

import numpy as np
import pytest

from inference_workers.contracts.colours import Colour
from inference_workers.contracts.frames import Found
from inference_workers.contracts.lease import (
    Lease,
    ModelRef,
    RedactionPolicy,
    Source,
    SourceKind,
    Stage,
    Zone,
    ZoneKind,
)
from inference_workers.engine.frame import Detections, Frame
from inference_workers.engine.pipeline import CameraPipeline

DETECTOR = ModelRef("v1", "yolox", "yolox", "1" * 64)
GATE = ModelRef("v0", "motion-mog2", "motion-mog2", "2" * 64)
ALL = (Stage.VIEW, Stage.FACES, Stage.DETECT, Stage.MOTION, Stage.TEXT)
SCENES = [
    np.random.default_rng(seed).integers(low, low + 90, (180, 320, 3), np.uint8)
    for seed, low in ((1, 0), (2, 160))
]
FACE = (100, 60, 130, 100)
PERSON = (90, 50, 140, 170)
LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def _lease(**changes):
    source = Source(SourceKind.SYNTHETIC, "lobby")
    lease = Lease(
        "lease-1",
        "camera-1",
        "Lobby",
        "UTC",
        0.0,
        1e9,
        1,
        source,
        ALL,
        models={"detect": DETECTOR},
        display_fps=30.0,
    )
    return replace(lease, **changes)


def _found(*boxes, label="face", score=0.9):
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(count, score, np.float32),
        np.zeros(count, np.int32),
        (label,),
    )


class Camera:
    """Feeds a pipeline frame by frame at 10 fps; everything given counts for the newest frame."""

    def __init__(self, lease=None):
        self.pipeline = CameraPipeline(lease or _lease())
        self.seq = -1
        self.at = 99.9
        self.shown = []
        self.reports = []

    def frame(self, scene=0, size=None, moved=None):
        """`moved`: boxes of what moves; None: not known."""
        self.seq += 1
        self.at = 100.0 + self.seq / 10
        image = SCENES[scene] if size is None else np.full((*size, 3), 90, np.uint8)
        moved = None if moved is None else np.array(moved, np.float32).reshape(-1, 4)
        self.pipeline.add_frame(Frame(image, "camera-1", "epoch-1", self.seq, self.at, moved))
        self.shown += self.pipeline.due(self.at)
        return self

    def faces(self, *boxes, score=0.9):
        self.pipeline.add_faces(self.seq, self.at, _found(*boxes, score=score))
        return self

    def blind(self):
        self.pipeline.add_faces(self.seq, self.at, None)
        return self

    def objects(self, *boxes, label="person", score=0.9):
        self.pipeline.add_objects(self.seq, self.at, _found(*boxes, label=label, score=score), DETECTOR)
        return self

    def motion(self, *boxes):
        self.pipeline.add_objects(self.seq, self.at, _found(*boxes, label="motion", score=1.0), GATE)
        return self

    def report(self):
        told = self.pipeline.reports(self.at)
        self.reports += told
        return told

    def drain(self):
        """The camera stops; what waits is shown when its time comes."""
        self.shown += self.pipeline.due(self.at + 5)
        return self.shown

    def redactions(self):
        return [item.redacted.redaction for item in self.shown]


def _hides(item, box=FACE):
    return any(
        cover[0] <= box[0] and cover[1] <= box[1] and cover[2] >= box[2] and cover[3] >= box[3]
        for cover in item.redacted.covered_xyxy
    )


def test_frames_are_shown_after_the_delay_in_order():
    camera = Camera()
    for _ in range(13):
        camera.frame().faces()
    assert [item.redacted.seq for item in camera.shown] == [0, 1, 2, 3]
    assert set(camera.redactions()) == {"tracks"}


def test_a_face_covers_the_frames_before_it_was_found():
    camera = Camera()
    for _ in range(5):
        camera.frame().faces()
    camera.frame().faces(FACE)
    camera.drain()
    assert all(_hides(item) for item in camera.shown)


def test_a_face_stays_covered_while_the_detector_blinks():
    camera = Camera()
    camera.frame().faces(FACE)
    for _ in range(14):
        camera.frame().faces()
    camera.drain()
    assert len(camera.shown) == 15
    assert all(_hides(item) for item in camera.shown)


def test_a_weak_single_detection_is_covered_without_confirmation():
    camera = Camera()
    camera.frame().faces()
    camera.frame().faces(FACE, score=0.22)
    camera.drain()
    assert _hides(camera.shown[1])


def test_nobody_looked_means_mosaic():
    camera = Camera()
    for _ in range(4):
        camera.frame()
    camera.drain()
    assert camera.redactions() == ["mosaic"] * 4


def test_faces_that_could_not_be_looked_for_mean_mosaic():
    camera = Camera()
    camera.frame().faces()
    camera.frame()
    camera.frame().blind()
    camera.frame().faces()
    camera.drain()
    assert camera.redactions() == ["tracks", "mosaic", "mosaic", "tracks"]


def test_a_second_answer_makes_good_for_a_failed_one():
    camera = Camera()
    camera.frame().blind().faces(FACE)
    camera.drain()
    assert camera.redactions() == ["tracks"]


def test_when_the_worker_falls_silent_the_picture_turns_into_a_mosaic():
    camera = Camera()
    camera.frame().faces()
    for _ in range(12):
        camera.frame()
    camera.drain()
    assert camera.redactions() == ["tracks"] + ["mosaic"] * 12


@pytest.mark.parametrize("moved", [[(0, 50, 20, 150)], [], None])
def test_who_comes_in_after_the_last_look_is_never_shown(moved):
    """The look that finds the face is answered after the display: no cover knows of it."""
    camera = Camera()
    camera.frame(moved=()).faces()
    camera.frame(moved=moved).frame(moved=moved)
    camera.drain()
    camera.faces((0, 60, 15, 90))
    assert camera.redactions() == ["tracks", "mosaic", "mosaic"]


@pytest.mark.parametrize("target", ["person", "head"])
def test_persons_who_come_in_after_the_last_look_for_persons_are_not_shown(target):
    camera = Camera(_lease(redaction=RedactionPolicy(targets=("face", target))))
    camera.frame(moved=()).faces().objects()
    camera.frame(moved=()).faces().frame(moved=[PERSON]).faces()
    camera.drain()
    assert camera.redactions() == ["tracks", "tracks", "mosaic"]


def test_between_looks_that_are_far_apart_the_picture_is_a_mosaic():
    """Who walks between two looks is where no cover reaches."""
    camera = Camera()
    camera.frame().faces(FACE)
    for _ in range(7):
        camera.frame()
    camera.frame().faces(FACE)
    camera.drain()
    shown = camera.redactions()
    assert shown[4] == "mosaic"
    assert shown[:3] == shown[-3:] == ["tracks"] * 3


def test_without_the_stage_faces_everything_is_a_mosaic():
    camera = Camera(_lease(stages=(Stage.VIEW, Stage.DETECT)))
    camera.frame().faces().frame().faces()
    camera.drain()
    assert camera.redactions() == ["mosaic"] * 2


def test_without_the_stage_view_nothing_is_shown():
    camera = Camera(_lease(stages=(Stage.FACES, Stage.DETECT)))
    camera.frame().faces()
    assert camera.drain() == []


def test_nothing_is_shown_after_the_lease():
    camera = Camera(_lease(valid_until=100.35))
    for _ in range(3):
        camera.frame().faces()
    assert camera.drain() == []


def test_an_unknown_target_covers_everything():
    camera = Camera(_lease(redaction=RedactionPolicy(targets=("face", "tattoo"))))
    camera.frame().faces()
    camera.drain()
    assert camera.redactions() == ["mosaic"]


def test_after_a_cut_nothing_is_shown_until_faces_were_looked_for():
    camera = Camera()
    for _ in range(4):
        camera.frame(scene=0).faces()
    for _ in range(3):
        camera.frame(scene=1)
    camera.drain()
    assert camera.redactions() == ["tracks"] * 4 + ["mosaic"] * 3
    camera.frame(scene=1).faces()
    camera.drain()
    assert camera.redactions()[-1] == "tracks"


def test_a_look_after_a_cut_says_nothing_about_the_frames_before_it():
    camera = Camera()
    camera.frame(scene=0).frame(scene=0).frame(scene=1).faces()
    camera.drain()
    assert camera.redactions() == ["mosaic", "mosaic", "tracks"]


def test_another_resolution_forgets_boxes_in_old_pixels():
    camera = Camera()
    camera.frame().faces(FACE).frame(size=(90, 160))
    camera.drain()
    assert camera.redactions() == ["mosaic"]
    assert camera.shown[0].redacted.width == 160


def test_privacy_masks_of_a_new_lease_count_for_waiting_frames():
    camera = Camera()
    camera.frame().faces()
    camera.pipeline.update_lease(_lease(zones=(Zone("m", "window", ZoneKind.PRIVACY_MASK, LEFT),)))
    camera.drain()
    assert camera.shown[0].redacted.image[:, :150].std() == 0


def test_whole_persons_are_covered_when_the_policy_says_so():
    camera = Camera(_lease(redaction=RedactionPolicy(targets=("face", "person"))))
    camera.frame().faces().objects(PERSON, score=0.3)
    camera.drain()
    assert _hides(camera.shown[0], PERSON)


def test_a_turned_head_is_covered_by_the_persons_track():
    camera = Camera(_lease(redaction=RedactionPolicy(targets=("face", "head"))))
    camera.frame().faces().objects(PERSON)
    camera.drain()
    assert _hides(camera.shown[0], (95, 50, 135, 75))
    assert not _hides(camera.shown[0], PERSON)


def test_a_policy_on_persons_shows_nothing_when_nobody_looked_for_persons():
    camera = Camera(_lease(redaction=RedactionPolicy(targets=("face", "person"))))
    camera.frame().faces()
    camera.drain()
    assert camera.redactions() == ["mosaic"]


def test_zones_to_ignore_hide_objects_but_uncover_nobody():
    zone = Zone("i", "street", ZoneKind.IGNORE, LEFT)
    policy = RedactionPolicy(targets=("face", "person"))
    camera = Camera(_lease(zones=(zone,), redaction=policy))
    for _ in range(6):
        camera.frame().faces(FACE).objects(PERSON)
        camera.report()
    camera.drain()
    assert camera.reports == []
    assert all(_hides(item) and _hides(item, PERSON) for item in camera.shown)


# --- events


def _walk(camera, frames, step=4, label="person"):
    for _ in range(frames):
        left = 20 + step * camera.seq
        camera.frame().faces().objects((left, 40, left + 40, 140), label=label)
        camera.report()
    return camera


def test_one_event_per_track_with_revisions_and_an_end():
    camera = _walk(Camera(), 45)
    for _ in range(30):
        camera.frame().faces().objects()
        camera.report()
    results = [report.result for report in camera.reports]
    assert len({result.track_id for result in results}) == 1
    assert [result.revision for result in results] == list(range(1, len(results) + 1))
    assert [result.ended for result in results] == [False] * (len(results) - 1) + [True]
    assert 3 <= len(results) <= 5
    last = results[-1]
    assert (last.label, last.model, last.lease_id) == ("person", DETECTOR, "lease-1")
    assert last.first_seen_at == pytest.approx(100.0)
    assert last.last_seen_at == pytest.approx(104.4)
    assert last.confidence == pytest.approx(0.9)
    assert 2 <= len(last.path) <= 64


def test_the_snapshot_shows_the_object_redacted():
    camera = _walk(Camera(), 20)
    first = camera.reports[0]
    assert first.snapshot.redaction == first.result.snapshot_redaction == "tracks"
    assert first.result.snapshot_key.startswith("snapshots/camera-1/1970-01-01/epoch-1-")
    assert all(report.result.snapshot_key for report in camera.reports)
    assert sum(report.snapshot is not None for report in camera.reports) == 1


def test_what_a_person_wears_is_named_and_nobody_else_wears_anything():
    def told(label, stages=ALL):
        camera = Camera(_lease(stages=stages))
        for _ in range(20):
            camera.frame(size=(180, 320)).faces().objects(PERSON, label=label).report()
        return {(report.result.upper_colour, report.result.lower_colour) for report in camera.reports}

    assert told("person") == {(Colour.GRAY, Colour.GRAY)}
    assert told("car") == {(None, None)}
    covered = Camera(_lease(redaction=RedactionPolicy(targets=("face", "person"))))
    for _ in range(20):
        covered.frame(size=(180, 320)).faces().objects(PERSON).report()
    assert {report.result.upper_colour for report in covered.reports} == {None}


def test_without_the_permission_to_show_there_are_events_and_no_pictures():
    camera = _walk(Camera(_lease(stages=(Stage.FACES, Stage.DETECT))), 40)
    assert camera.shown == []
    assert camera.reports
    assert [report.snapshot or report.result.snapshot_key for report in camera.reports] == [None] * len(
        camera.reports
    )


def test_a_clearly_better_picture_replaces_the_snapshot_once():
    camera = Camera()
    for number in range(60):
        side = 20 + 2 * number
        camera.frame().faces().objects((50, 20, 50 + side, 20 + side))
        camera.report()
    keys = [report.result.snapshot_key for report in camera.reports if report.snapshot is not None]
    assert len(keys) == len(set(keys)) == 2
    assert camera.reports[-1].result.snapshot_key == keys[-1]


def test_a_mosaic_is_the_snapshot_only_for_want_of_better():
    blind = Camera()
    for _ in range(45):
        left = 20 + 3 * blind.seq
        blind.frame().objects((left, 40, left + 40, 140))
        blind.report()
    first = blind.reports[0]
    assert first.result.snapshot_redaction == "mosaic"
    assert blind.at - first.result.first_seen_at > 2
    unlooked = _walk(Camera(_lease(stages=(Stage.VIEW, Stage.DETECT))), 12)
    assert unlooked.reports[0].result.snapshot_redaction == "mosaic"


def test_a_flicker_is_no_event():
    camera = Camera()
    for number in range(30):
        camera.frame().faces()
        camera.objects(PERSON) if number == 5 else camera.objects()
        camera.report()
    assert camera.pipeline.finish(camera.at) == []
    assert camera.reports == []


def test_the_label_is_that_of_the_majority():
    camera = Camera()
    for number in range(20):
        left = 20 + 4 * number
        label = "truck" if number % 4 == 0 else "car"
        camera.frame().faces().objects((left, 40, left + 60, 90), label=label)
        camera.report()
    assert camera.pipeline.finish(camera.at)[0].result.label == "car"


def test_watch_zones_are_named():
    camera = Camera(_lease(zones=(Zone("door", "Door", ZoneKind.WATCH, LEFT),)))
    _walk(camera, 10)
    assert camera.pipeline.finish(camera.at)[0].result.zone_ids == ("door",)


def test_a_parked_car_that_blinks_is_one_event():
    camera = Camera()
    for number in range(300):
        camera.frame().faces()
        seen = number < 80 or number % 60 < 10
        camera.objects(*([(60, 60, 120, 100)] if seen else []), label="car")
        camera.report()
    assert len({report.result.track_id for report in camera.reports}) == 1


def test_motion_alone_becomes_an_event_after_a_while():
    camera = Camera()
    for number in range(25):
        camera.frame().faces().motion((40 + 4 * number, 60, 80 + 4 * number, 110))
        camera.report()
    (report,) = camera.reports[:1]
    assert report.result.label == "motion"
    assert report.result.model == GATE
    assert report.result.last_seen_at - report.result.first_seen_at >= 1.5


def test_motion_that_a_detected_object_explains_is_none():
    camera = Camera()
    for number in range(30):
        box = (40 + 4 * number, 60, 80 + 4 * number, 110)
        camera.frame().faces().objects(box).motion(box)
        camera.report()
    labels = {report.result.label for report in camera.reports}
    assert labels == {"person"}
    assert {box.label for item in camera.shown for box in item.boxes} == {"person"}


def test_tiny_motion_is_none():
    camera = Camera()
    for _ in range(30):
        camera.frame().faces().motion((40, 60, 46, 66))
        camera.report()
    assert camera.reports == []


def test_boxes_are_drawn_where_the_object_is_in_that_frame():
    camera = Camera()
    for number in range(20):
        camera.frame().faces()
        if number % 2 == 0:
            left = 20 + 4 * number
            camera.objects((left, 36, left + 32, 126))
    camera.drain()
    states = set()
    for item in camera.shown[1:19]:
        (box,) = item.boxes
        assert box.box_xyxy[0] * 320 == pytest.approx(20 + 4 * item.redacted.seq, abs=1)
        states.add(box.state)
    assert states == {"seen", "interpolated"}
    assert camera.shown[19].boxes[0].state == "coasting"


def test_nobody_watching_costs_no_redaction_but_events_still_get_snapshots():
    camera = Camera()
    shown = []
    for number in range(20):
        left = 20 + 4 * number
        at = 100.0 + number / 10
        camera.pipeline.add_frame(Frame(SCENES[0], "camera-1", "epoch-1", number, at))
        camera.pipeline.add_faces(number, at, _found())
        camera.pipeline.add_objects(number, at, _found((left, 40, left + 40, 140), label="person"), DETECTOR)
        shown += camera.pipeline.due(at, watched=False)
        camera.reports += camera.pipeline.reports(at)
    assert shown == []
    assert camera.reports[0].snapshot.redaction == "tracks"


def test_a_reading_names_the_object_on_which_it_was_read():
    camera = _walk(Camera(), 8)
    left = (20 + 4 * (camera.seq - 1)) / 320
    line = Found((left + 0.02, 0.4, left + 0.08, 0.5), 0.97, "text", "AB 123")
    camera.pipeline.add_text(camera.seq, camera.at, (line,), DETECTOR)
    (reading,) = [item.result for item in camera.report() if hasattr(item.result, "text")]
    assert reading.text == "AB 123"
    assert reading.track_id == camera.reports[0].result.track_id


def test_a_display_is_not_fed_faster_than_the_lease_says():
    camera = Camera(_lease(display_fps=5.0))
    for _ in range(20):
        camera.frame().faces()
    camera.drain()
    assert len(camera.shown) == 10
