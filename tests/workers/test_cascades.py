"""Cascades in the streams and the worker: real rings, real graphs, real colours and a real sign."""

import time
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from inference_workers.contracts.frames import BatchItem, Found, FrameRef, ItemResult
from inference_workers.contracts.lease import Cascade, ModelRef, RedactionPolicy, Source, SourceKind, Stage
from inference_workers.contracts.results import ReadingResult, TrackResult
from inference_workers.engine.cascades import CropLook
from inference_workers.engine.model_directory import ModelDirectory
from inference_workers.streams.frames import FrameDesk
from inference_workers.streams.looks import Answer, Look
from inference_workers.streams.versions import wanted_by
from inference_workers.tasks.loaded import LoadedModels
from tests.engine.colour_models import BLUE, RED, colour_graph, colour_side
from tests.engine.onnx_graphs import constant_graph, detr_outputs, side_of, worker_settings
from tests.engine.test_ocr import sign
from tests.workers.stream_parts import make_lease, running_streams, wait_for
from tests.workers.test_analyse import NOW, Ring, analyser, batch_of
from tests.workers.test_late_frames import place, ring  # noqa: F401 - a fixture
from tests.workers.test_swap_streams import RealWorker

# Two cars, left and right in the lower half.
CARS = constant_graph(detr_outputs((0.25, 0.7, 0.4, 0.4, 1, 0.9), (0.75, 0.7, 0.4, 0.4, 1, 0.8)))
COLOURS = colour_graph()
DETECTOR = ModelRef("det", "cars", "detr", side_of(CARS).sha256)
NAMER = ModelRef("cls", "colours", "classifier-logits", colour_side(COLOURS).sha256)
BROKEN = ModelRef("gone", "colours", "classifier-logits", "0" * 64)
COLOUR = Cascade("colour", Stage.CLASSIFY, ("car",), "colour", NAMER, every_s=1.0)
PLATE = Cascade("plate", Stage.TEXT, ("car",), every_s=1.0)
ASK = Look(Stage.CLASSIFY, cascade_id="colour")
DETECT = Look(Stage.DETECT)


def directory_in(folder: Path) -> ModelDirectory:
    directory = ModelDirectory(worker_settings(folder))
    for name, data, side in (("cars", CARS, side_of(CARS)), ("colours", COLOURS, colour_side(COLOURS))):
        (folder / f"{name}.source").write_bytes(data)
        directory.install(folder / f"{name}.source", side, name)
    return directory


def ready(worker, ref: ModelRef) -> None:
    worker.models.get(ref)


# --- the worker


@pytest.fixture
def painted(tmp_path):
    """A frame whose left half is red and whose right half is blue, in real shared memory."""
    made = Ring(tmp_path)
    slot = made.writer.reserve()
    pixels = made.writer.pixels(slot, 128, 64)
    pixels[:, :64], pixels[:, 64:] = RED, BLUE
    generation = made.writer.commit(slot, 128, 64)
    yield FrameRef("cam-a", "epoch", 1, NOW, made.owner.name, slot, generation, 128, 64)
    made.owner.wipe_and_close()


def asked(frame: FrameRef, *crops: tuple[float, float, float, float], model: ModelRef = NAMER):
    item = BatchItem(frame, crops_xyxy=crops)
    return batch_of(item, stage=Stage.CLASSIFY, model=model)


LEFT, RIGHT = (0.0, 0.1, 0.5, 0.9), (0.5, 0.1, 1.0, 0.9)


def test_each_crop_is_named_by_its_own_pixels_in_the_order_of_asking(tmp_path, painted):
    worker = analyser(tmp_path, LoadedModels(directory_in(tmp_path)))
    ready(worker, NAMER)
    reply = worker.analyse(asked(painted, RIGHT, LEFT, RIGHT))
    assert [(found.box_xyxy, found.label) for found in reply.items[0].found] == [
        (RIGHT, "blue"), (LEFT, "red"), (RIGHT, "blue"),
    ]  # fmt: skip
    assert reply.model_sha256 == NAMER.sha256


def test_nothing_waits_until_a_classifier_is_loaded(tmp_path, painted):
    worker = analyser(tmp_path, LoadedModels(directory_in(tmp_path)))
    reply = worker.analyse(asked(painted, LEFT))
    assert (reply.items, reply.waiting) == ((), "loading")
    wait_for(lambda: worker.analyse(asked(painted, LEFT)).items != (), 5, lambda: "never loaded")


def test_a_broken_one_says_why_and_is_not_opened_with_every_frame(tmp_path, painted, monkeypatch):
    directory = directory_in(tmp_path)
    worker = analyser(tmp_path, LoadedModels(directory))
    loads = []
    load = directory.load
    monkeypatch.setattr(directory, "load", lambda ref, **more: (loads.append(ref), load(ref, **more))[1])
    ask = lambda: worker.analyse(asked(painted, LEFT, model=BROKEN)).waiting  # noqa: E731
    wait_for(lambda: ask().startswith("model_wrong_hash: colours.onnx: expected sha256 0000"), 5, ask)
    assert len(loads) == 1
    for _ in range(5):
        ask()
    assert len(loads) == 1


# --- the desk


def lease(*cascades: Cascade, **changes: object):
    stages = (Stage.MOTION, Stage.DETECT, Stage.CLASSIFY)
    return make_lease(**{"stages": stages, "models": {"detect": DETECTOR}, "cascades": cascades} | changes)


def test_what_a_lease_wants():
    text = {"detect": DETECTOR, "text": BROKEN}
    stages = (Stage.DETECT, Stage.CLASSIFY, Stage.TEXT)
    assert wanted_by(lease(COLOUR)) == {DETECT: DETECTOR, ASK: NAMER}
    assert wanted_by(lease(COLOUR, stages=(Stage.DETECT,))) == {DETECT: DETECTOR}
    on_crops = Look(Stage.TEXT, cascade_id="plate")
    assert wanted_by(lease(PLATE, models=text, stages=stages)) == {DETECT: DETECTOR, on_crops: BROKEN}
    # Without a detector nothing is read at all: never more than was asked for.
    assert wanted_by(lease(PLATE, models={"text": BROKEN}, stages=(Stage.TEXT,))) == {}
    assert (ASK.place, on_crops.place) == ("classify:colour", "text")


class Desk:
    """A desk with one frame under way, in which things are due."""

    def __init__(self, ring_, monkeypatch) -> None:
        self.desk = FrameDesk(lease(COLOUR), "epoch")
        self.ring = ring_
        look = CropLook(COLOUR, (7, 8), (LEFT, RIGHT))
        calls = self.calls = []
        pipeline = type(self.desk.pipeline)
        monkeypatch.setattr(pipeline, "crops_due", lambda _self, _seq: [look])
        for name in ("crops_asked", "crops_lost", "add_classes"):
            monkeypatch.setattr(pipeline, name, lambda _self, *args, name=name: calls.append((name, *args)))
        placed = place(ring_, time.time())
        self.desk.ledger.note(placed.tally)
        (request,) = self.desk.take(placed, ring_, watched=False)
        assert request.look == DETECT

    def answer(self, look: Look, model: ModelRef, *found: Found, lost: str = "", waiting: str = "") -> list:
        result = None if lost else ItemResult("cam-a", "epoch", 0, found)
        return self.desk.answer(Answer("cam-a", 0, look, model, result, lost, None, waiting))

    def is_held(self) -> bool:
        return 0 in self.desk._held


@pytest.fixture
def desk(ring, monkeypatch):  # noqa: F811 - the fixture of the same name
    monkeypatch.setattr(ring, "slots", 8)
    return Desk(ring, monkeypatch)


def test_crops_are_asked_for_in_the_frame_in_which_they_were_found(desk):
    (request,) = desk.answer(DETECT, DETECTOR)
    assert (request.look, request.model, request.fallback) == (ASK, NAMER, None)
    assert (request.item.frame.seq, request.item.crops_xyxy) == (0, (LEFT, RIGHT))
    account = desk.desk.ledger.account(NOW)
    assert (account.analysed, account.in_flight) == (1, 0)  # the frame is done, its pixels stay
    assert desk.is_held()
    found = Found(LEFT, 0.9, "red"), Found(RIGHT, 0.8, "blue")
    assert desk.answer(ASK, NAMER, *found) == []
    assert not desk.is_held()
    assert [call[0] for call in desk.calls] == ["crops_asked", "add_classes"]
    assert desk.calls[-1][2:] == (found, NAMER)
    assert desk.desk.versions.served == {"detect": DETECTOR.sha256, "classify:colour": NAMER.sha256}
    figures = desk.desk.cascades
    assert (figures.asked, figures.crops, figures.answered, figures.lost) == (1, 2, 1, {})


def test_a_classifier_that_fails_costs_the_frame_nothing_and_says_why(desk):
    desk.answer(DETECT, DETECTOR)
    desk.answer(ASK, NAMER, lost="model_loading", waiting="model_missing: no such file")
    account = desk.desk.ledger.account(NOW)
    assert account.balances()
    assert (account.analysed, account.lost) == (1, {})
    assert desk.desk.versions.waiting == {"classify:colour": "model_missing: no such file"}
    assert [call[0] for call in desk.calls] == ["crops_asked", "crops_lost"]
    assert desk.desk.cascades.lost == {"model_loading": 1}
    assert not desk.is_held()


def test_an_answer_of_another_length_names_nothing(desk):
    desk.answer(DETECT, DETECTOR)
    desk.answer(ASK, NAMER, Found(LEFT, 0.9, "red"))
    assert [call[0] for call in desk.calls] == ["crops_asked"]


def test_what_was_withdrawn_meanwhile_is_not_used(desk):
    desk.answer(DETECT, DETECTOR)
    desk.desk.update_lease(lease(stages=(Stage.DETECT,)))
    desk.answer(ASK, NAMER, Found(LEFT, 0.9, "red"), Found(RIGHT, 0.8, "blue"))
    assert [call[0] for call in desk.calls] == ["crops_asked"]


def test_the_last_slots_of_a_ring_are_never_held_for_a_cascade(desk, monkeypatch):
    monkeypatch.setattr(desk.ring, "slots", 2)
    assert desk.answer(DETECT, DETECTOR) == []
    assert not desk.is_held()
    assert (desk.desk.cascades.skipped, desk.calls) == (1, [])


# --- the whole data plane


def write_street(path: Path) -> None:
    """Twelve seconds of a red car on the left and a blue one on the right; a sign on it, one on the wall."""
    street = np.full((480, 1280, 3), 120, np.uint8)
    street[240:432, 64:576], street[240:432, 704:1216] = RED, BLUE
    street[16:96, 480:800] = cv2.resize(sign("WALL 44"), (320, 80))
    street[280:380, 120:520] = cv2.resize(sign("TRUCK 77"), (400, 100))
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=5, options={"preset": "ultrafast", "crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 1280, 480, "yuv420p"
        for number in range(60):
            noisy = cv2.add(street, np.full_like(street, number % 3))
            target.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, "bgr24")))
        target.mux(stream.encode())


def street_lease(*cascades: Cascade, **changes: object):
    return lease(
        *cascades,
        source=Source(SourceKind.FILE, "street.mp4"),
        redaction=RedactionPolicy(display_delay_s=0.1),
        **changes,
    )


@pytest.fixture
def street(redis_url: str, tmp_path: Path):
    write_street(tmp_path / "street.mp4")
    with running_streams(redis_url, tmp_path, VIDETTE_ANALYSE_DEADLINE_S="5") as plane:
        worker = RealWorker(redis_url, tmp_path, directory_in(tmp_path))
        worker.start()
        yield plane, worker
        worker.stop()


def colours(plane) -> dict[str, tuple[str, ...]]:
    """What the newest message of each car says, by where the car stands."""
    tracks = {track.track_id: track for track in plane.messages(TrackResult) if track.label == "car"}
    return {
        "left" if track.best_box_xyxy[0] < 0.4 else "right": tuple(a.value for a in track.attributes)
        for track in tracks.values()
    }


def test_two_cars_are_named_by_their_colour_and_a_broken_version_stops_nothing(street) -> None:
    plane, worker = street
    broken = replace(COLOUR, cascade_id="broken", name="make", model=BROKEN)
    plane.issue(street_lease(COLOUR, broken))
    wait_for(
        lambda: colours(plane) == {"left": ("red",), "right": ("blue",)}, 25, lambda: str(colours(plane))
    )
    named = [track for track in plane.messages(TrackResult) if track.attributes]
    assert {track.model.sha256 for track in named} == {DETECTOR.sha256}
    assert {a.model for track in named for a in track.attributes} == {NAMER}
    status = plane.status()
    wait_for(lambda: "classify:broken" in plane.status().waiting, 8, lambda: str(plane.status()))
    status = plane.status()
    assert status.served == {"detect": DETECTOR.sha256, "classify:colour": NAMER.sha256}
    assert status.waiting["classify:broken"].startswith("model_wrong_hash: ")
    assert plane.account().balances()
    looks = {stage: sum(len(b.items) for b in worker.batches if b.stage is stage) for stage in Stage}
    assert looks[Stage.CLASSIFY] < looks[Stage.DETECT]


def test_only_the_sign_on_a_car_is_read(street) -> None:
    plane, worker = street
    card = next(card for card in ModelDirectory(plane.settings).cards() if card.name == "pp-ocr")
    reader = ModelRef("txt", card.name, card.family, card.sha256)
    worker.models.get(reader)
    models = {"detect": DETECTOR, "text": reader}
    plane.issue(street_lease(PLATE, stages=(Stage.MOTION, Stage.DETECT, Stage.TEXT), models=models))
    wait_for(lambda: plane.messages(ReadingResult), 30, lambda: str(plane.status()))
    (reading,) = plane.messages(ReadingResult)
    wait_for(lambda: len(colours(plane)) == 2, 15, lambda: "no cars")
    cars = {track.track_id: track for track in plane.messages(TrackResult) if track.label == "car"}
    assert (reading.text, reading.model) == ("TRUCK 77", reader)
    assert cars[reading.track_id].best_box_xyxy[0] < 0.4
    regions = [item.regions for b in worker.batches if b.stage is Stage.TEXT for item in b.items]
    tops = {min(y for _, y in region.polygon) for found in regions for region in found}
    assert min(tops) > 0.2  # never the sign on the wall
