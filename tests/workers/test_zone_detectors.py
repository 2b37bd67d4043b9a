"""A zone with a detector of its own: what it sees, whose finds count where; a look is whole or none."""

import time
from dataclasses import replace

import pytest

from inference_workers.contracts.frames import Found, ItemResult
from inference_workers.contracts.lease import ModelRef, RedactionPolicy, Stage, Zone, ZoneKind
from inference_workers.contracts.results import TrackResult
from inference_workers.engine.events import LookedBy
from inference_workers.engine.zone_detectors import ZoneParts, counted, crop_of
from inference_workers.engine.zones import ZoneMap
from inference_workers.streams.frames import FrameDesk
from inference_workers.streams.looks import Answer, Look
from inference_workers.streams.versions import wanted_by
from tests.workers.stream_parts import make_lease, running_streams, wait_for
from tests.workers.test_analyse import NOW, Ring, analyser, batch_of
from tests.workers.test_late_frames import place, ring  # noqa: F401 - a fixture
from tests.workers.test_swap import NEW, OLD, LoadedModels, SlowDirectory
from tests.workers.test_swap_streams import RealWorker

LEFT = Zone("z", "Gate", ZoneKind.WATCH, ((0.0, 0.5), (0.4, 0.5), (0.4, 1.0), (0.0, 1.0)), detector=NEW)
IN_ZONE = Found((0.1, 0.3, 0.2, 0.8), 0.9, "person")
OUTSIDE = Found((0.6, 0.3, 0.7, 0.8), 0.8, "person")
DETECT, IN_LEFT = Look(Stage.DETECT), Look(Stage.DETECT, zone_id="z")


def lease(*zones: Zone, **changes: object):
    return make_lease(
        stages=(Stage.MOTION, Stage.DETECT), models={"detect": OLD}, zones=zones, analysis_fps=5.0, **changes
    )


def test_a_zone_is_seen_with_its_surroundings_and_what_stands_above_it() -> None:
    assert crop_of(LEFT) == pytest.approx((0.0, 0.0, 0.5, 1.0))
    small = replace(LEFT, polygon=((0.5, 0.5), (0.6, 0.5), (0.6, 0.6)))
    assert crop_of(small) == pytest.approx((0.475, 0.4, 0.625, 0.625))


def test_each_detector_counts_in_its_own_place() -> None:
    zones = ZoneMap((LEFT,))
    by_camera = (IN_ZONE, OUTSIDE)
    by_zone = (Found((0.11, 0.3, 0.2, 0.8), 0.7, "guard"), Found((0.45, 0.3, 0.5, 0.8), 0.7, "guard"))
    found = counted(by_camera, ZoneParts({"z": by_zone}, {"z": NEW}), zones)
    assert [(item.label, item.score) for item in found] == [("person", 0.8), ("guard", 0.7)]


def test_where_zones_overlap_the_first_of_them_counts() -> None:
    zones = ZoneMap((LEFT, replace(LEFT, zone_id="second")))
    parts = ZoneParts({"z": (), "second": (IN_ZONE,)}, {"z": NEW, "second": NEW})
    assert counted((IN_ZONE, OUTSIDE), parts, zones) == (OUTSIDE,)


def test_a_lease_wants_one_look_more_for_each_such_zone() -> None:
    assert wanted_by(lease(LEFT)) == {DETECT: OLD, IN_LEFT: NEW}
    assert wanted_by(lease(replace(LEFT, detector=None))) == {DETECT: OLD}
    assert wanted_by(make_lease(stages=(Stage.FACES,), zones=(LEFT,))).keys() == {Look(Stage.FACES)}
    assert IN_LEFT.place == "detect:z"


def test_a_crop_is_answered_in_coordinates_of_the_whole_picture(tmp_path) -> None:
    ring_ = Ring(tmp_path)
    worker = analyser(tmp_path, LoadedModels(SlowDirectory(tmp_path)))
    item = replace(ring_.put(1, 9), crop_xyxy=(0.5, 0.25, 1.0, 0.75))
    reply = worker.analyse(batch_of(item, model=OLD))
    (box,) = reply.items[0].found
    # The graph answers the middle half and quarter of whatever it sees.
    assert box.box_xyxy == pytest.approx((0.625, 0.4375, 0.875, 0.5625))
    tiny = replace(ring_.put(2, 9), crop_xyxy=(0.5, 0.5, 0.51, 0.51))
    reply = worker.analyse(batch_of(tiny, model=OLD))
    assert reply.items[0].error.startswith("crop_too_small: expected a part of at least 16 pixels, got 1x1")
    ring_.owner.wipe_and_close()


class Watched:
    """A desk with one frame under way, and what reaches its pipeline."""

    def __init__(self, ring_, monkeypatch, **changes: object) -> None:
        self.desk = FrameDesk(lease(LEFT, **changes), "epoch")
        self.objects: list = []
        monkeypatch.setattr(
            type(self.desk.pipeline), "add_objects",
            lambda _self, seq, at, objects, by, **more: self.objects.append((objects, by, more)),
        )  # fmt: skip
        placed = place(ring_, time.time())
        self.desk.ledger.note(placed.tally)
        self.requests = self.desk.take(placed, ring_, watched=False)

    def answer(self, look: Look, model: ModelRef, *found: Found, lost: str = "") -> None:
        result = None if lost else ItemResult("cam-a", "epoch", 0, found)
        self.desk.answer(Answer("cam-a", 0, look, model, result, lost))

    def looks(self) -> list:
        return [entry for entry in self.objects if isinstance(entry[1], LookedBy)]


@pytest.fixture
def watched(ring, monkeypatch):  # noqa: F811 - the fixture of the same name
    return Watched(ring, monkeypatch)


def test_a_look_is_handed_over_when_every_part_is_answered(watched) -> None:
    assert {(r.look, r.model, r.item.crop_xyxy is None) for r in watched.requests} == {
        (DETECT, OLD, True), (IN_LEFT, NEW, False),
    }  # fmt: skip
    watched.answer(IN_LEFT, NEW, IN_ZONE)
    assert watched.looks() == []
    watched.answer(DETECT, OLD, replace(IN_ZONE, score=0.3), OUTSIDE)
    ((objects, by, more),) = watched.looks()
    assert sorted(objects.scores.tolist()) == pytest.approx([0.8, 0.9])
    assert (by.model, by.zones) == (OLD, {"z": NEW})
    assert len(more["to_cover"]) == 3  # persons are covered where either of them found one
    assert watched.desk.versions.served == {"detect": OLD.sha256, "detect:z": NEW.sha256}
    account = watched.desk.ledger.account(NOW)
    assert account.balances()
    assert (account.analysed, account.in_flight) == (1, 0)


def test_a_look_of_which_a_part_is_lost_moves_no_track(watched) -> None:
    watched.answer(DETECT, OLD, OUTSIDE)
    watched.answer(IN_LEFT, NEW, lost="busy")
    assert watched.looks() == []
    account = watched.desk.ledger.account(NOW)
    assert (account.lost, account.in_flight) == ({"busy": 1}, 0)


def test_the_track_in_a_zone_names_the_version_of_the_zone(redis_url, tmp_path) -> None:
    """Both graphs answer constants: the camera's a box in the middle, the zone's one in the zone."""
    middle = Zone("mid", "Middle", ZoneKind.WATCH, ((0.0, 0.0), (0.45, 0.0), (0.45, 1.0), (0.0, 1.0)))
    directory = SlowDirectory(tmp_path)
    with running_streams(redis_url, tmp_path, VIDETTE_ANALYSE_DEADLINE_S="5") as plane:
        worker = RealWorker(redis_url, tmp_path, directory)
        worker.start()
        zone = replace(middle, detector=NEW)
        plane.issue(lease(zone, redaction=RedactionPolicy(display_delay_s=0.1)))

        def versions() -> dict[str, float]:
            found = [track for track in plane.messages(TrackResult) if track.label == "person"]
            return {track.model.version_id: track.best_box_xyxy[0] for track in found}

        wait_for(lambda: versions().keys() == {"old", "new"}, 20, lambda: str(versions()))
        assert versions()["old"] > versions()["new"]
        assert plane.status().served == {"detect": OLD.sha256, "detect:mid": NEW.sha256}
        assert plane.account().balances()
        worker.stop()
