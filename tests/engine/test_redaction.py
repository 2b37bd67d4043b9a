"""Redaction: nothing recognisable is left, and whatever makes no sense ends in a mosaic."""

import dataclasses
import json

import cv2
import numpy as np
import pytest
import skimage.data

from inference_workers.contracts.lease import RedactionPolicy, RedactionStyle
from inference_workers.engine.frame import Frame
from inference_workers.engine.redaction import (
    FRAME_BLOCKS,
    RedactedFrame,
    encode_jpeg,
    mosaic_frame,
    mosaic_image,
    redact,
    redact_image,
)
from tests.engine.second_look import SHARED, YuNet, haar_faces, mostly_in, needs_shared

ASTRONAUT_FACE = np.array([[181.5, 58.2, 269.9, 177.8]])
STYLES = list(RedactionStyle)


def _noise(width=320, height=180):
    return np.random.default_rng(7).integers(0, 255, (height, width, 3), np.uint8)


def _frame(image=None):
    return Frame(_noise() if image is None else image, "camera-1", "epoch-1", 5, 100.0)


def _astronaut():
    return np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1])


def _labelled():
    """Human-labelled faces of the shared pictures, 800 px wide at most: (image, boxes (N, 4))."""
    data = json.loads((SHARED / "images/faces/faces.json").read_text())
    human = [item for item in data["annotations"] if item["origin"].startswith("human")]
    for entry in data["images"]:
        boxes = [item["bbox"] for item in human if item["image_id"] == entry["id"]]
        if boxes:
            image = cv2.imread(str(SHARED / "images/faces" / entry["file_name"]))
            scale = min(1.0, 800 / image.shape[1])
            small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            left_top = np.array(boxes, np.float64)[:, :2]
            both = np.concatenate([left_top, left_top + np.array(boxes)[:, 2:]], axis=1) * scale
            yield small, np.clip(both, 0, [small.shape[1], small.shape[0]] * 2)


def test_nobody_else_can_construct_it():
    with pytest.raises(TypeError, match="only"):
        RedactedFrame(_noise(), "c", "e", 1, 1.0, "tracks", (), seal=object())
    with pytest.raises(TypeError):
        RedactedFrame(_noise(), "c", "e", 1, 1.0, "tracks", ())


def test_it_cannot_be_given_another_picture():
    redacted = mosaic_frame(_frame())
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(redacted, image=_noise())
    with pytest.raises(dataclasses.FrozenInstanceError):
        redacted.image = _noise()
    with pytest.raises(ValueError, match="read-only"):
        redacted.image[0, 0] = 0


def test_the_frame_itself_stays_as_it_was():
    frame = _frame()
    before = frame.image.copy()
    redact(frame, np.array([[10, 10, 60, 60.0]]), RedactionPolicy(), [((0, 0), (0.5, 0), (0, 0.5))])
    assert np.array_equal(frame.image, before)
    assert frame.image.flags.writeable


@pytest.mark.parametrize("style", STYLES)
def test_only_the_grown_box_changes(style):
    frame = _frame()
    policy = RedactionPolicy(style=style, grow=0.25)
    redacted = redact(frame, np.array([[100, 60, 140, 100.0]]), policy)
    assert redacted.redaction == "tracks"
    assert redacted.covered_xyxy == ((90, 50, 150, 110),)
    changed = (redacted.image != frame.image).any(axis=2)
    assert changed[50:110, 90:150].mean() > 0.9
    changed[50:110, 90:150] = False
    assert not changed.any()


@pytest.mark.parametrize("side", [12, 40, 170])
def test_a_mosaic_has_no_more_blocks_than_allowed(side):
    image = _noise(400, 400)
    box = np.array([[100, 100, 100 + side, 100 + side]], np.float64)
    redacted = redact_image(image, box, RedactionPolicy(min_blocks=6, grow=0.25))
    row = redacted.image[100 + side // 2, 100 : 100 + side].astype(int)
    edges = np.count_nonzero(np.abs(np.diff(row, axis=0)).any(axis=1))
    assert edges <= 6


def test_a_policy_cannot_ask_for_a_fine_mosaic_or_a_shrunk_box():
    policy = RedactionPolicy(min_blocks=500, grow=-0.4)
    redacted = redact_image(_noise(400, 400), np.array([[100, 100, 200, 200.0]]), policy)
    left, _, right, bottom = redacted.covered_xyxy[0]
    assert left < 100
    assert bottom > 200
    row = redacted.image[150, left:right].astype(int)
    assert np.count_nonzero(np.abs(np.diff(row, axis=0)).any(axis=1)) <= 11


@pytest.mark.parametrize(
    "boxes",
    [
        [[np.nan, 10, 50, 50]],
        [[10, 10, np.inf, 50]],
        [[60, 10, 10, 50]],
        [[10, 10, 10, 50]],
        [[500, 10, 560, 50]],
        [[-80, -80, -10, -10]],
        [[10, 10, 50]],
        [10.0, 10.0, 50.0, 50.0],
    ],
)
def test_a_box_that_makes_no_sense_covers_the_whole_frame(boxes):
    redacted = redact(_frame(), np.array(boxes), RedactionPolicy())
    assert redacted.redaction == "mosaic"
    assert redacted.covered_xyxy == ((0, 0, 320, 180),)


@pytest.mark.parametrize("mask", [((0, 0), (1, 1)), ((0, 0), (np.nan, 0), (1, 1)), ((0, 0, 0),) * 3])
def test_a_mask_that_makes_no_sense_covers_the_whole_frame(mask):
    assert redact(_frame(), np.zeros((0, 4)), RedactionPolicy(), [mask]).redaction == "mosaic"


def test_a_privacy_mask_is_solid_in_both_forms():
    mask = ((0, 0), (0.5, 0), (0.5, 1), (0, 1))
    frame = _frame()
    for redacted in (redact(frame, np.zeros((0, 4)), RedactionPolicy(), [mask]), mosaic_frame(frame, [mask])):
        assert redacted.image[:, :155].std() == 0
        assert redacted.image[:, 165:].std() > 0


def test_persons_are_covered_too():
    redacted = redact(
        _frame(), np.zeros((0, 4)), RedactionPolicy(), person_boxes=np.array([[50, 20, 90, 170.0]])
    )
    assert len(redacted.covered_xyxy) == 1


def test_the_mosaic_is_coarse_whatever_the_size():
    for width, height in ((1280, 720), (64, 48), (7, 5), (90, 1600)):
        image = mosaic_image(_noise(width, height)).image
        assert image.shape == (height, width, 3)
        colours = np.unique(image.reshape(-1, 3), axis=0)
        assert len(colours) <= FRAME_BLOCKS**2


def test_jpeg_takes_redacted_frames_only():
    with pytest.raises(TypeError, match="RedactedFrame"):
        encode_jpeg(_noise())
    jpeg = encode_jpeg(mosaic_image(_noise(640, 360)), quality=60, max_width=320)
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (180, 320, 3)


def test_the_astronaut_is_found_before_but_not_after():
    image = _astronaut()
    assert mostly_in(haar_faces(image), ASTRONAUT_FACE[0]).any()
    for style in STYLES:
        redacted = redact_image(image, ASTRONAUT_FACE, RedactionPolicy(style=style))
        assert redacted.redaction == "image"
        assert not mostly_in(haar_faces(redacted.image), ASTRONAUT_FACE[0]).any(), style
    assert not len(haar_faces(mosaic_image(image).image))


@needs_shared
@pytest.mark.parametrize("style", STYLES)
def test_a_second_detector_finds_no_labelled_face_after_redaction(style):
    yunet = YuNet()
    left = found_before = count = 0
    for image, boxes in _labelled():
        redacted = redact_image(image, boxes, RedactionPolicy(style=style)).image
        before, after = yunet.faces(image), [yunet.faces(redacted, scale) for scale in (1, 2)]
        for box in boxes:
            count += 1
            found_before += bool(mostly_in(before, box).any())
            left += any(mostly_in(found, box).any() for found in after)
    assert count == 37
    assert found_before >= 33
    assert left == 0


@needs_shared
def test_no_face_is_found_in_a_whole_frame_mosaic():
    yunet = YuNet()
    seen = 0
    for image, boxes in _labelled():
        close = [_close_up(image, box) for box in boxes if box[3] - box[1] >= 40]
        for picture in [image, *close]:
            seen += len(yunet.faces(picture, 0.5)) > 0
            mosaic = mosaic_image(picture).image
            assert not any(len(yunet.faces(mosaic, scale)) for scale in (0.5, 1))
    assert seen >= 15


def _close_up(image, box):
    """A face that fills the frame."""
    left, top, right, bottom = (round(value) for value in box)
    by = round(0.3 * (bottom - top))
    part = image[max(0, top - by) : bottom + by, max(0, left - by) : right + by]
    return cv2.resize(part, (640, 640 * part.shape[0] // part.shape[1]))
