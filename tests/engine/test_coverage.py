"""Policies and stricter zones: a zone covers more than its camera, never less, and nothing on trust."""

from dataclasses import replace

import numpy as np
import pytest
import skimage.data

from inference_workers.contracts.frames import BatchItem, FrameRef, Region
from inference_workers.contracts.lease import (
    Lease,
    RedactionPolicy,
    Script,
    Source,
    SourceKind,
    Stage,
    Target,
    Zone,
    ZoneKind,
)
from inference_workers.engine.backends import BackendOptions
from inference_workers.engine.coverage import Coverage
from inference_workers.engine.frame import Detections, Frame
from inference_workers.engine.ocr.reader import open_reader
from inference_workers.engine.zones import touches
from inference_workers.tasks.analyse import _text

IMAGE = np.random.default_rng(3).integers(0, 255, (180, 320, 3), np.uint8)
STAGES = (Stage.VIEW, Stage.FACES, Stage.DETECT, Stage.TEXT_BOXES)
SCENE = (-np.inf, np.inf)
LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
PERSON_LEFT, PERSON_RIGHT = (60, 20, 110, 170), (220, 20, 270, 170)
FACE = (75, 30, 95, 55)
TEXT_LEFT, TEXT_RIGHT = (20, 150, 60, 160), (180, 150, 220, 160)


def lease_of(*zones, targets=("face",), **changes):
    source = Source(SourceKind.SYNTHETIC, "lobby")
    policy = RedactionPolicy(targets=targets, grow=0.1, **changes)
    return Lease("l1", "c1", "Lobby", "UTC", 0.0, 1e9, 1, source, STAGES, zones=zones, redaction=policy)


def zone_of(*targets, kind=ZoneKind.COVER, polygon=LEFT):
    return Zone("z1", "counter", kind, polygon, targets=targets)


def _found(*boxes):
    boxes_xyxy, count = np.array(boxes, np.float32).reshape(-1, 4), len(boxes)
    return Detections(boxes_xyxy, np.ones(count, np.float32), np.zeros(count, np.int32), ("x",))


def shown(lease, *, faces=(), persons=None, text=None):
    """One frame with looks at that very moment; None: nobody looked for it."""
    coverage = Coverage(lease)
    coverage.add(Target.FACE, 1, 1.0, _found(*faces), crossed=False)
    for kind, boxes in ((Target.PERSON, persons), (Target.TEXT, text)):
        if boxes is not None:
            found = boxes if isinstance(boxes, Detections) else _found(*boxes)
            coverage.add(kind, 1, 1.0, found, crossed=False)
    return coverage.redact(Frame(IMAGE, "c1", "e1", 1, 1.0), SCENE)


def hides(redacted, box):
    left, top, right, bottom = box
    return not (redacted.image[top:bottom, left:right] == IMAGE[top:bottom, left:right]).all(axis=2).any()


def touched(redacted, box):
    left, top, right, bottom = box
    return not np.array_equal(redacted.image[top:bottom, left:right], IMAGE[top:bottom, left:right])


def test_a_zone_covers_persons_where_the_camera_covers_faces():
    redacted = shown(lease_of(zone_of("person")), persons=[PERSON_LEFT, PERSON_RIGHT])
    assert hides(redacted, PERSON_LEFT)
    assert not touched(redacted, (220, 110, 270, 170))


def test_a_zone_of_faces_uncovers_nobody():
    lease = lease_of(zone_of("face"), targets=("face", "person"))
    redacted = shown(lease, faces=[FACE], persons=[PERSON_LEFT])
    assert hides(redacted, PERSON_LEFT)


def test_a_person_who_only_reaches_into_the_zone_is_covered():
    reaching = (150, 20, 200, 170)
    assert hides(shown(lease_of(zone_of("person")), persons=[reaching]), reaching)


def test_a_zone_covers_turned_heads():
    redacted = shown(lease_of(zone_of("head")), persons=[PERSON_LEFT])
    assert hides(redacted, (65, 20, 105, 45))
    assert not touched(redacted, (60, 110, 110, 170))


def test_who_is_surely_a_person_has_the_head_covered_though_no_face_was_found():
    redacted = shown(lease_of(), persons=[PERSON_LEFT])
    assert hides(redacted, (65, 20, 105, 45))
    assert not touched(redacted, (60, 110, 110, 170))


def test_a_doubtful_person_is_covered_only_where_the_policy_asks_for_heads():
    doubtful = replace(_found(PERSON_LEFT), scores=np.full(1, 0.2, np.float32))
    assert not touched(shown(lease_of(), persons=doubtful), PERSON_LEFT)
    assert hides(shown(lease_of(targets=("face", "head")), persons=doubtful), (65, 20, 105, 45))


@pytest.mark.parametrize("kind", [kind for kind in ZoneKind if kind is not ZoneKind.PRIVACY_MASK])
def test_any_kind_of_zone_can_cover_more(kind):
    assert hides(shown(lease_of(zone_of("person", kind=kind)), persons=[PERSON_LEFT]), PERSON_LEFT)


@pytest.mark.parametrize(
    ("targets", "stages"),
    [(("person",), STAGES), (("text",), STAGES), (("tattoo",), STAGES), (("person",), (Stage.FACES,))],
)
def test_a_zone_whose_targets_nobody_looked_for_is_solid_and_the_rest_is_shown(targets, stages):
    lease = replace(lease_of(zone_of(*targets)), stages=stages)
    redacted = shown(lease, faces=[FACE], persons=[PERSON_LEFT] if stages != STAGES else None)
    assert redacted.redaction == "tracks"
    assert redacted.image[:, :158].std() == 0
    assert np.array_equal(redacted.image[:, 165:], IMAGE[:, 165:])


@pytest.mark.parametrize("targets", [("face", "text"), ("face", "person"), ("face", "tattoo")])
def test_what_the_camera_covers_and_nobody_looked_for_covers_everything(targets):
    assert shown(lease_of(targets=targets)).redaction == "mosaic"


def test_text_is_covered_for_the_camera_or_for_a_zone():
    everywhere = shown(lease_of(targets=("face", "text")), text=[TEXT_LEFT, TEXT_RIGHT])
    assert hides(everywhere, TEXT_LEFT)
    assert hides(everywhere, TEXT_RIGHT)
    left = shown(lease_of(zone_of("text")), text=[TEXT_LEFT, TEXT_RIGHT])
    assert hides(left, TEXT_LEFT)
    assert not touched(left, TEXT_RIGHT)


def test_text_stays_covered_between_looks_and_a_failed_look_covers_all():
    coverage = Coverage(lease_of(targets=("face", "text")))
    coverage.add(Target.TEXT, 1, 1.0, _found(TEXT_LEFT), crossed=False)
    for at in (1.0, 1.5, 2.0, 3.0):
        coverage.add(Target.FACE, 1, at, _found(), crossed=False)
    assert hides(coverage.redact(frame_with(at=3.0), SCENE), TEXT_LEFT)
    coverage.add(Target.TEXT, 3, 3.5, None, crossed=False)
    assert coverage.redact(Frame(IMAGE, "c1", "e1", 2, 3.2), SCENE).redaction == "mosaic"


def frame_with(*moved, at):
    return Frame(IMAGE, "c1", "e1", 1, at, np.array(moved, np.float32).reshape(-1, 4))


def text_seen(*looks):
    """Looks for text at these times; faces are looked for all the time."""
    coverage = Coverage(lease_of(targets=("face", "text")))
    for tenth in range(10, 30):
        coverage.add(Target.FACE, tenth, tenth / 10, _found(), crossed=False)
    for at, *boxes in looks:
        coverage.add(Target.TEXT, 1, at, _found(*boxes), crossed=False)
    return coverage


def test_text_on_what_moves_is_covered_where_its_carrier_is():
    """A plate that passes between two looks a second apart is in neither place where it was seen."""
    coverage = text_seen((1.0, (20, 100, 40, 110)), (2.0, (120, 100, 140, 110)))
    car, beside = (30, 60, 130, 115), (220, 20, 270, 170)
    redacted = coverage.redact(frame_with(car, beside, at=1.5), SCENE)
    assert hides(redacted, (70, 100, 90, 110))
    assert not touched(redacted, (230, 40, 260, 150))


def test_what_moves_before_text_was_looked_for_again_is_covered():
    coverage = text_seen((1.0,))
    redacted = coverage.redact(frame_with(PERSON_RIGHT, at=1.3), SCENE)
    assert redacted.redaction == "tracks"
    assert hides(redacted, PERSON_RIGHT)
    assert not touched(coverage.redact(frame_with(at=1.3), SCENE), PERSON_RIGHT)


@pytest.mark.parametrize(("delay_s", "covered"), [(0.9, False), (2.5, True)])
def test_a_longer_delay_covers_longer_before_the_first_sighting(delay_s, covered):
    coverage = Coverage(lease_of(display_delay_s=delay_s))
    for at in (1.0, 1.5, 2.0, 2.5):
        coverage.add(Target.FACE, 1, at, _found(), crossed=False)
    coverage.add(Target.FACE, 2, 3.0, _found(FACE), crossed=False)
    assert touched(coverage.redact(Frame(IMAGE, "c1", "e1", 1, 1.0), SCENE), FACE) is covered


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ([10, 10, 20, 20], True),  # inside
        ([150, 80, 200, 90], True),  # across the edge
        ([0, 0, 320, 180], True),  # around it
        ([200, 10, 300, 170], False),  # beside it
        ([160, 0, 170, 10], True),  # touching
        ([161, 0, 170, 10], False),
    ],
)
def test_a_box_touches_a_polygon(box, expected):
    assert touches(LEFT, np.array([box], float), 320, 180).tolist() == [expected]


def test_a_box_in_the_hollow_of_a_polygon_does_not_touch_it():
    horseshoe = ((0, 0), (1, 0), (1, 1), (0.8, 1), (0.8, 0.2), (0.2, 0.2), (0.2, 1), (0, 1))
    assert touches(horseshoe, np.array([[40, 40, 60, 60]], float), 100, 100).tolist() == [False]
    assert touches(horseshoe, np.array([[40, 10, 60, 60]], float), 100, 100).tolist() == [True]
    assert touches(LEFT, np.zeros((0, 4)), 100, 100).shape == (0,)


def test_text_is_found_without_being_read(tmp_path):
    reader = open_reader(tmp_path, BackendOptions(), tesseract_only=False)
    page = np.repeat(skimage.data.page()[:, :, None], 3, axis=2)
    frame = FrameRef("c", "e", 1, 1.0, "r", 0, 1, page.shape[1], page.shape[0])
    found = _text(reader, BatchItem(frame), page)
    assert len(found) > 3
    assert {(item.label, item.text) for item in found} == {("text", None)}
    read = _text(reader, BatchItem(frame, (Region(LEFT, Script.LATIN),)), page)
    assert all(item.text for item in read)
