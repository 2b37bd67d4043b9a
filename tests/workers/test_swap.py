"""A version takes over while pictures keep coming: nothing waits for it, nothing is lost, the old goes."""

import threading
import time
from dataclasses import replace

import psutil
import pytest

from inference_workers.contracts.comparison import Role
from inference_workers.contracts.frames import ItemResult
from inference_workers.contracts.lease import ModelRef, Stage
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_directory import LoadedModel, ModelDirectory
from inference_workers.streams.looks import Answer, Look
from inference_workers.streams.versions import STAND_IN_S, ServingVersions
from inference_workers.tasks.loaded import ACTIVE_S, RETRY_AFTER_S, UNLOAD_AFTER_S, LoadedModels, Need
from tests.engine.onnx_graphs import constant_graph, detr_outputs, side_of, worker_settings
from tests.workers.stream_parts import make_lease, wait_for
from tests.workers.test_analyse import NOW, Ring, analyser, batch_of

OLD_GRAPH = constant_graph(detr_outputs((0.5, 0.5, 0.5, 0.25, 0, 0.8)))
NEW_GRAPH = constant_graph(detr_outputs((0.25, 0.5, 0.25, 0.25, 0, 0.9)))
OLD = ModelRef("old", "old", "detr", side_of(OLD_GRAPH).sha256)
NEW = ModelRef("new", "new", "detr", side_of(NEW_GRAPH).sha256)
GIBIBYTE = 2**30


class SlowDirectory(ModelDirectory):
    """A real directory whose loading of one name waits for the test."""

    def __init__(self, folder, slow: str = "") -> None:
        super().__init__(worker_settings(folder))
        self.slow, self.go, self.loads = slow, threading.Event(), []
        for name, data in (("old", OLD_GRAPH), ("new", NEW_GRAPH)):
            source = folder / f"{name}.source"
            source.write_bytes(data)
            self.install(source, side_of(data), name)

    def load(self, ref: ModelRef, *, input_size: tuple[int, int] | None = None) -> LoadedModel:
        self.loads.append(ref.name)
        if ref.name == self.slow:
            assert self.go.wait(10)
        return super().load(ref, input_size=input_size)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ring(tmp_path):
    made = Ring(tmp_path)
    yield made
    made.owner.wipe_and_close()


def is_loaded(models: LoadedModels, ref: ModelRef) -> None:
    wait_for(lambda: models.has(ref), 5, lambda: f"{models.loading()}, {models.refused()}")


def free_memory(monkeypatch, free_bytes: int) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": free_bytes}))


def test_while_a_version_is_loaded_the_one_before_it_answers(tmp_path, ring) -> None:
    directory = SlowDirectory(tmp_path, slow="new")
    models = LoadedModels(directory)
    models.get(OLD)
    worker = analyser(tmp_path, models)
    for seq in (1, 2):
        reply = worker.analyse(batch_of(ring.put(seq, 9), model=NEW, fallback=OLD))
        assert (reply.model_sha256, reply.model_version_id, reply.waiting) == (OLD.sha256, "old", "loading")
        assert reply.items[0].found
    assert models.loading() == ["new"]
    directory.go.set()
    is_loaded(models, NEW)
    reply = worker.analyse(batch_of(ring.put(3, 9), model=NEW, fallback=OLD))
    assert (reply.model_sha256, reply.model_version_id, reply.waiting) == (NEW.sha256, "new", "")
    assert directory.loads == ["old", "new"]


def test_other_models_answer_while_one_is_loaded(tmp_path) -> None:
    directory = SlowDirectory(tmp_path, slow="new")
    models = LoadedModels(directory)
    loading = threading.Thread(target=models.get, args=(NEW,))
    loading.start()
    wait_for(lambda: models.loading() == ["new"], 5, lambda: "not begun")
    assert models.ready(NEW, Need.SWAP) is None
    directory.go.set()
    loading.join(5)
    assert models.get(OLD).card.name == "old"
    assert directory.loads.count("new") == 1


def test_a_replaced_version_goes_when_nobody_uses_it(tmp_path) -> None:
    clock = Clock()
    models = LoadedModels(SlowDirectory(tmp_path), clock=clock)
    models.get(OLD), models.get(NEW)
    models.replace(OLD)
    clock.now += UNLOAD_AFTER_S - 1
    assert models.unload_replaced() == []
    clock.now += 2
    assert models.unload_replaced() == ["old"]
    assert set(models.served()) == {"new"}


def test_a_version_that_other_cameras_still_name_stays(tmp_path) -> None:
    clock = Clock()
    models = LoadedModels(SlowDirectory(tmp_path), clock=clock)
    models.get(OLD), models.get(NEW)
    models.replace(OLD)
    models.get(OLD)
    clock.now += 10 * UNLOAD_AFTER_S
    assert models.unload_replaced() == []


@pytest.mark.parametrize("stage", [Stage.DETECT, Stage.FACES])
def test_without_memory_the_old_version_goes_on_and_says_why(tmp_path, ring, monkeypatch, stage) -> None:
    models = LoadedModels(SlowDirectory(tmp_path))
    models.get(OLD)
    free_memory(monkeypatch, GIBIBYTE // 16)
    worker = analyser(tmp_path, models)
    worker.analyse(batch_of(ring.put(1, 9), stage=stage, model=NEW, fallback=OLD))
    wait_for(lambda: bool(models.refused()), 5, lambda: "not refused")
    reply = worker.analyse(batch_of(ring.put(2, 9), stage=stage, model=NEW, fallback=OLD))
    assert reply.model_sha256 == OLD.sha256
    assert reply.items[0].found
    assert reply.waiting.startswith("memory_short: a model needs about 256 MiB and 64 MiB are free")
    assert set(models.served()) == {"old"}


def test_a_refused_version_is_tried_again_later(tmp_path, monkeypatch) -> None:
    clock = Clock()
    models = LoadedModels(SlowDirectory(tmp_path), clock=clock)
    with monkeypatch.context() as short:
        free_memory(short, 0)
        assert models.ready(NEW, Need.SWAP) is None
        wait_for(lambda: bool(models.refused()), 5, lambda: "not refused")
    with pytest.raises(EngineError, match="0 MiB are free"):
        models.ready(NEW, Need.SWAP)
    clock.now += RETRY_AFTER_S + 1
    assert models.ready(NEW, Need.SWAP) is None
    is_loaded(models, NEW)
    assert models.refused() == {}


def test_nothing_that_serves_makes_room_for_a_version_that_has_a_stand_in(tmp_path) -> None:
    clock = Clock()
    models = LoadedModels(SlowDirectory(tmp_path), max_models=1, clock=clock)
    models.get(OLD)
    clock.now += ACTIVE_S - 1
    for need in (Need.SWAP, Need.SHADOW):
        assert models.ready(NEW, need) is None
        # `refused()` still tells the first refusal in the second round: its end is that nothing loads.
        wait_for(lambda: models.loading() == [], 5, lambda: "not refused")
        assert set(models.refused()) == {"new"}
        clock.now += RETRY_AFTER_S + 1
        models.get(OLD)
    clock.now += ACTIVE_S + 1
    models.ready(NEW, Need.SHADOW)
    is_loaded(models, NEW)
    assert set(models.served()) == {"new"}
    assert models.ready(OLD, Need.SWAP) is None  # a shadow gives way to what serves
    is_loaded(models, OLD)
    assert set(models.served()) == {"old"}


def test_a_shadow_waits_for_no_loading_and_holds_nobody_up(tmp_path, ring) -> None:
    directory = SlowDirectory(tmp_path, slow="new")
    models = LoadedModels(directory)
    worker = analyser(tmp_path, models)
    began = time.monotonic()
    reply = worker.analyse(batch_of(ring.put(1, 9), model=NEW, shadow=True))
    assert time.monotonic() - began < 5
    assert (reply.items, reply.waiting) == ((), "loading")
    directory.go.set()
    is_loaded(models, NEW)
    reply = worker.analyse(batch_of(ring.put(2, 9), model=NEW, shadow=True))
    assert (reply.model_sha256, len(reply.items)) == (NEW.sha256, 1)
    assert worker.counters.as_dict()["histograms"]["infer_ms.detect.shadow"]["count"] >= 1


def test_a_worker_that_has_neither_loads_what_the_lease_names(tmp_path, ring) -> None:
    models = LoadedModels(SlowDirectory(tmp_path))
    reply = analyser(tmp_path, models).analyse(batch_of(ring.put(1, 9), model=NEW, fallback=OLD))
    assert (reply.model_sha256, reply.waiting) == (NEW.sha256, "")


def test_bytes_that_are_not_the_version_are_never_used(tmp_path, ring) -> None:
    models = LoadedModels(SlowDirectory(tmp_path))
    wrong = replace(NEW, sha256="0" * 64)
    worker = analyser(tmp_path, models)
    reply = worker.analyse(batch_of(ring.put(1, 9), model=wrong, fallback=OLD))
    assert (reply.model_sha256, reply.waiting[:16]) == (OLD.sha256, "model_wrong_hash")
    reply = worker.analyse(batch_of(ring.put(2, 9), stage=Stage.FACES, model=wrong))
    assert reply.items[0].error.startswith("model_wrong_hash")  # faces: the whole picture is covered then


DETECT = Look(Stage.DETECT)


def answer(model: ModelRef, waiting: str = "") -> Answer:
    result = ItemResult("cam", "e", 1, ())
    return Answer("cam", 1, Look(Stage.DETECT), model, result, waiting=waiting)


def test_the_version_that_answered_last_stands_in_until_the_new_one_has_answered_for_a_while() -> None:
    versions = ServingVersions()
    assert versions.stand_in(DETECT, OLD, NOW) is None
    versions.answered(answer(OLD), NOW)
    assert versions.stand_in(DETECT, OLD, NOW) is None
    assert versions.stand_in(DETECT, NEW, NOW) == OLD
    versions.answered(answer(OLD, "loading"), NOW)
    assert versions.waiting == {"detect": "loading"}
    versions.answered(answer(NEW), NOW + 1)
    assert (versions.served, versions.waiting) == ({"detect": NEW.sha256}, {})
    assert versions.stand_in(DETECT, NEW, NOW + 2) == OLD  # another worker may not have it yet
    assert versions.stand_in(DETECT, NEW, NOW + 2 + STAND_IN_S) is None
    assert versions.stand_in(DETECT, OLD, NOW + 90) == NEW  # rolled back


def test_a_version_that_takes_over_is_looked_with_soon_unless_it_was_refused() -> None:
    versions, wanted = ServingVersions(), make_lease(models={"detect": NEW})
    assert versions.taking_over(wanted) == frozenset()  # nothing answered yet: the first look comes anyway
    versions.answered(answer(OLD), NOW)
    assert versions.taking_over(wanted) == {Stage.DETECT}
    versions.answered(answer(OLD, "loading"), NOW)
    assert versions.taking_over(wanted) == {Stage.DETECT}
    versions.answered(answer(OLD, "memory_short: 64 MiB are free"), NOW)
    assert versions.taking_over(wanted) == frozenset()
    versions.answered(answer(NEW), NOW)
    assert versions.taking_over(wanted) == frozenset()


def test_looks_of_a_shadow_are_looks_of_their_own() -> None:
    assert Look(Stage.DETECT) != Look(Stage.DETECT, Role.SHADOW)
    assert Look(Stage.DETECT, Role.SHADOW).shadow
