"""Cascades: who is looked at again, when, where, and what the answers together say."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from inference_workers.contracts.codec import ContractError, decode, encode
from inference_workers.contracts.frames import Found
from inference_workers.contracts.lease import (
    Cascade,
    Lease,
    ModelRef,
    Source,
    SourceKind,
    Stage,
    Zone,
    ZoneKind,
)
from inference_workers.engine.cascades import GREW, MAX_CROPS, CropLook
from inference_workers.engine.frame import Detections, Frame
from inference_workers.engine.gate import Gate
from inference_workers.engine.pipeline import CameraPipeline

DETECTOR = ModelRef("d", "detector", "detr", "d" * 64)
NAMER, OTHER = ModelRef("c", "colours", "classifier-logits", "c" * 64), ModelRef("o", "others", "x", "0" * 64)
COLOUR = Cascade("colour", Stage.CLASSIFY, ("car", "bus"), "colour", NAMER, every_s=5.0)
PLATE = Cascade("plate", Stage.TEXT, ("car",))
LEFT = Zone("left", "Left", ZoneKind.WATCH, ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
CAR = (100.0, 100.0, 200.0, 160.0)
SIZE = (640, 480)


def lease(*cascades: Cascade, zones: tuple[Zone, ...] = (), stages: tuple[Stage, ...] = ()) -> Lease:
    return Lease(
        lease_id="l", camera_id="cam", camera_name="Gate", time_zone="UTC", issued_at=0.0, valid_until=1e9,
        revision=1, source=Source(SourceKind.SYNTHETIC, "clock"),
        stages=stages or (Stage.DETECT, Stage.TEXT, Stage.CLASSIFY), zones=zones,
        models={"detect": DETECTOR, "text": OTHER}, cascades=cascades,
    )  # fmt: skip


class Street:
    """A pipeline that sees boxes at moments."""

    def __init__(self, *cascades: Cascade, **changes: object) -> None:
        self.pipeline = CameraPipeline(lease(*cascades, **changes))
        self.seq = 0
        self.asked: list[tuple[float, CropLook]] = []

    def see(self, at: float, *boxes: tuple[float, ...], label: str = "car") -> list[CropLook]:
        self.seq += 1
        image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
        self.pipeline.add_frame(Frame(image, "cam", "e", self.seq, at))
        count = len(boxes)
        found = Detections(
            np.array(boxes, np.float32).reshape(-1, 4), np.full(count, 0.9, np.float32),
            np.zeros(count, np.int32), (label,),
        )  # fmt: skip
        self.pipeline.add_objects(self.seq, at, found, DETECTOR)
        looks = self.pipeline.crops_due(self.seq)
        for look in looks:
            self.pipeline.crops_asked(look, at)
            self.asked.append((at, look))
        return looks

    def watch(self, since: float, until: float, *boxes: tuple[float, ...], fps: float = 5.0) -> None:
        for number in range(round((until - since) * fps)):
            self.see(since + number / fps, *boxes)

    def tell(self, look: CropLook, *said: tuple[str, float], model: ModelRef = NAMER) -> None:
        found = tuple(
            Found(box, score, label) for box, (label, score) in zip(look.crops_xyxy, said, strict=True)
        )
        self.pipeline.add_classes(look, found, model)

    def results(self) -> list:
        return [report.result for report in self.pipeline.finish(1e6)]


def test_a_thing_is_looked_at_when_it_is_sure_and_then_as_often_as_was_set():
    street = Street(COLOUR)
    assert street.see(10.0, CAR) == []  # one sighting is not sure
    street.watch(10.2, 22.0, CAR)
    at = [round(moment, 1) for moment, _ in street.asked]
    assert at[0] <= 10.6
    assert len(at) == 3  # of sixty looks of the detector
    assert all(later - earlier >= 4.99 for earlier, later in itertools.pairwise(at))
    (look,) = {look.track_ids: look for _, look in street.asked}.values()
    assert look.crops_xyxy[0] == pytest.approx((100 / 640, 100 / 480, 200 / 640, 160 / 480))


def test_it_is_looked_at_sooner_when_it_came_nearer():
    street = Street(COLOUR)
    street.watch(10.0, 11.0, CAR)
    assert len(street.asked) == 1
    grown = (90.0, 90.0, 90 + 100 * GREW, 90 + 60 * GREW)
    street.watch(11.0, 11.6, grown)
    assert len(street.asked) == 2


def test_a_look_that_was_lost_is_tried_again_soon():
    street = Street(COLOUR)
    street.watch(10.0, 10.8, CAR)
    street.pipeline.crops_lost(street.asked[0][1])
    street.watch(10.8, 13.0, CAR)
    assert [round(later - street.asked[0][0], 1) for later, _ in street.asked[1:]] == [1.0]


@pytest.mark.parametrize(
    ("box", "label"), [(CAR, "person"), ((100.0, 100.0, 120.0, 160.0), "car"), (CAR, "motion")]
)
def test_other_classes_and_what_is_too_small_are_left_alone(box, label):
    street = Street(COLOUR)
    for number in range(10):
        street.see(10 + number / 5, box, label=label)
    assert street.asked == []


def test_one_frame_costs_no_more_than_so_many_crops_and_everybody_has_a_turn():
    street = Street(COLOUR)
    boxes = [
        (20.0 + 60 * i, 40.0 + 150 * j, 70.0 + 60 * i, 90.0 + 150 * j) for i in range(10) for j in range(2)
    ]
    street.watch(10.0, 12.0, *boxes)
    assert max(len(look.track_ids) for _, look in street.asked) == MAX_CROPS
    asked = [track for _, look in street.asked for track in look.track_ids]
    assert (len(asked), len(set(asked))) == (20, 20)


def test_only_what_stands_in_its_zone_and_nothing_when_the_zone_is_gone():
    inside, outside = CAR, (400.0, 100.0, 500.0, 160.0)
    of_zone = replace(COLOUR, zone_id="left")
    street = Street(of_zone, zones=(LEFT,))
    street.watch(10.0, 11.0, inside, outside)
    assert [len(look.track_ids) for _, look in street.asked] == [1]
    assert street.asked[0][1].crops_xyxy[0][0] < 0.5
    gone = Street(of_zone)
    gone.watch(10.0, 11.0, inside, outside)
    assert gone.asked == []


def test_where_zones_to_read_are_drawn_no_cascade_reads_elsewhere():
    drawn = replace(LEFT, kind=ZoneKind.READ_TEXT)
    street = Street(PLATE, COLOUR, zones=(drawn,))
    street.watch(10.0, 11.0, (400.0, 100.0, 500.0, 160.0))
    assert {look.cascade.cascade_id for _, look in street.asked} == {"colour"}


def test_a_stage_that_is_not_allowed_looks_at_nothing():
    street = Street(COLOUR, PLATE, stages=(Stage.DETECT,))
    street.watch(10.0, 12.0, CAR)
    assert street.asked == []


def test_the_answers_vote_and_the_surest_crop_names_its_version():
    street = Street(replace(COLOUR, every_s=1.0))
    street.watch(10.0, 14.0, CAR)
    said = [("red", 0.7), ("blue", 0.95), ("", 0.3), ("red", 0.8)]
    for (_, look), answer in zip(street.asked, said, strict=True):
        street.tell(look, answer, model=OTHER if answer[1] == 0.8 else NAMER)
    (track,) = street.results()
    (attribute,) = track.attributes
    assert (attribute.name, attribute.value, attribute.looks) == ("colour", "red", 2)
    assert (attribute.confidence, attribute.model) == (0.8, OTHER)
    assert decode(type(track), encode(track)) == track


def test_every_answer_goes_to_the_thing_on_its_crop():
    street = Street(COLOUR)
    street.watch(10.0, 11.0, CAR, (400.0, 100.0, 500.0, 160.0))
    ((_, look),) = street.asked
    street.tell(look, *(("red" if box[0] < 0.5 else "blue", 0.9) for box in look.crops_xyxy))
    by_place = {track.best_box_xyxy[0] < 0.5: track.attributes[0].value for track in street.results()}
    assert by_place == {True: "red", False: "blue"}


def test_without_an_answer_there_is_no_attribute():
    street = Street(COLOUR)
    street.watch(10.0, 11.0, CAR)
    street.tell(street.asked[0][1], ("", 0.2))
    assert street.results()[0].attributes == ()


def test_the_gate_leaves_reading_to_the_cascade():
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    decided = Gate(lease()).decide(image, 10.0, watched=False).stages
    assert decided == (Stage.DETECT, Stage.TEXT)
    assert Gate(lease(PLATE)).decide(image, 10.0, watched=False).stages == (Stage.DETECT,)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": ("person", "face")}, "faces never"),
        ({"labels": ("head",)}, "faces never"),
        ({"labels": ()}, "expected classes"),
        ({"model": None}, "expected one for classify only"),
        ({"stage": Stage.TEXT}, "expected one for classify only"),
        ({"stage": Stage.FACES}, "expected classify or text"),
        ({"every_s": 0.0}, "expected 1.0 to 600.0"),
    ],
)
def test_a_lease_with_such_a_cascade_is_refused(changes, words):
    text = encode(lease(COLOUR))
    assert decode(Lease, text).cascades == (COLOUR,)
    with pytest.raises(ContractError, match=words):
        replace(COLOUR, **changes)


def test_there_are_not_endlessly_many():
    with pytest.raises(ContractError, match="at most 8"):
        lease(*[replace(COLOUR, cascade_id=str(number)) for number in range(9)])
