"""A micro-batch on the inference worker: poison stays alone, errors are words, deadlines hold."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import redis
from celery import Celery

from inference_workers.broker import kombu_url
from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.frames import AnalyseBatch, BatchItem, BatchReply, Clock, FrameRef, Region
from inference_workers.contracts.lease import ModelRef, Script, Stage
from inference_workers.contracts.models import ModelCard
from inference_workers.contracts.names import HEARTBEATS, MODELS_PRESENT, QUEUE_GPU, TASK_ANALYSE
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Detections
from inference_workers.engine.model_directory import LoadedModel, ModelDirectory
from inference_workers.engine.ring import FrameRing, RingOwner, RingWriter, ring_name
from inference_workers.tasks.analyse import Analyser
from inference_workers.tasks.counters import Counters
from inference_workers.tasks.loaded import LoadedModels
from tests.engine.onnx_graphs import constant_graph, detr_outputs, side_of, worker_settings
from tests.services import wait_until

ROOT = Path(__file__).resolve().parents[2]
GRAPH = constant_graph(detr_outputs((0.5, 0.5, 0.5, 0.25, 0, 0.8)))
MODEL = ModelRef("version-1", "tiny", "detr", side_of(GRAPH).sha256)
NOW = 1_700_000_000.0


def install(folder: Path, name: str = "tiny") -> ModelDirectory:
    directory = ModelDirectory(worker_settings(folder))
    source = folder / "tiny.onnx"
    source.write_bytes(GRAPH)
    directory.install(source, side_of(GRAPH), name)
    return directory


class Ring:
    """Three frames of one camera in real shared memory."""

    def __init__(self, folder: Path) -> None:
        path = folder / ring_name(os.getpid(), "cam-a", 1)
        self.owner = RingOwner(path, 4, 64 * 128 * 3)
        self.writer = RingWriter(path)

    def put(self, seq: int, value: int) -> BatchItem:
        slot = self.writer.reserve()
        assert slot is not None
        self.writer.pixels(slot, 128, 64)[:] = value
        generation = self.writer.commit(slot, 128, 64)
        ref = FrameRef("cam-a", "epoch", seq, NOW, self.owner.name, slot, generation, 128, 64)
        return BatchItem(ref)


@pytest.fixture
def ring(tmp_path: Path):
    made = Ring(tmp_path)
    yield made
    made.owner.wipe_and_close()


def batch_of(*items: BatchItem, now: float = NOW, **changes: object) -> AnalyseBatch:
    batch = AnalyseBatch("batch-1", Stage.DETECT, MODEL, items, "vidette:test:replies", now - 0.5, now + 2)
    return replace(batch, **changes)  # type: ignore[arg-type]


def analyser(folder: Path, models: object, clock=lambda: NOW) -> Analyser:
    return Analyser(models, FrameRing(folder).read, Counters(), "gpu-test", clock)  # type: ignore[arg-type]


class Models:
    """One model whose detector is given by the test."""

    def __init__(self, detect, *, in_thread: bool = False) -> None:
        card = ModelCard("tiny", "detr", "detection", MODEL.sha256, "MIT", "test", ("person",), (64, 64))

        class Detector:
            classes = ("person",)

        Detector.detect = staticmethod(detect)
        Detector.in_thread = in_thread
        self._model = LoadedModel(card, 1, detector=Detector())

    def get(self, ref: ModelRef) -> LoadedModel:
        return self._model


def one_box(images) -> list[Detections]:
    return [
        Detections(
            np.array([[32, 16, 64, 48]], np.float32), np.array([0.9], np.float32), np.zeros(1, np.int32),
            ("person",),
        )
        for _ in images
    ]  # fmt: skip


def picky(images) -> list[Detections]:
    """Raises for a white frame, as a broken picture may in the middle of a library."""
    if any(image.max() == 255 for image in images):
        raise RuntimeError("a white frame")
    return one_box(images)


def test_boxes_come_back_normalised_with_the_hash_that_was_loaded(tmp_path, ring) -> None:
    found = analyser(tmp_path, LoadedModels(install(tmp_path))).analyse(
        batch_of(ring.put(1, 10), ring.put(2, 20))
    )
    assert found is not None
    assert [(item.seq, item.error) for item in found.items] == [(1, None), (2, None)]
    (box,) = found.items[0].found
    assert box.box_xyxy == pytest.approx((0.25, 0.375, 0.75, 0.625))
    assert (box.label, box.score) == ("person", pytest.approx(0.8))
    assert (found.model_sha256, found.model_version_id) == (MODEL.sha256, "version-1")
    assert found.queued_ms == pytest.approx(500)
    assert decode(BatchReply, encode(found)) == found


def test_a_shared_run_is_told_once_with_its_size(tmp_path, ring) -> None:
    worker = analyser(tmp_path, Models(one_box))
    found = worker.analyse(batch_of(ring.put(1, 10), ring.put(2, 20), ring.put(3, 30)))
    first, *others = [item.cost for item in found.items]
    assert (first.clock, first.pictures) == (Clock.WALL, 3)
    assert others == [None, None]


def test_on_a_cpu_each_picture_is_a_run_and_what_else_runs_is_not_in_its_cost(tmp_path, ring) -> None:
    """A thread that sleeps has no core, as one that waits for the decoders has none."""
    seen = []

    def kept_waiting(images) -> list[Detections]:
        seen.append(len(images))
        time.sleep(0.03)
        return one_box(images)

    worker = analyser(tmp_path, Models(kept_waiting, in_thread=True))
    found = worker.analyse(batch_of(ring.put(1, 10), ring.put(2, 20)))
    assert seen == [1, 1]
    assert [(item.cost.clock, item.cost.pictures) for item in found.items] == [(Clock.CPU, 1)] * 2
    assert all(0 < item.cost.ms < 20 for item in found.items)


def test_a_frame_that_failed_cost_nothing_that_is_told(tmp_path, ring) -> None:
    worker = analyser(tmp_path, Models(picky, in_thread=True))
    found = worker.analyse(batch_of(ring.put(1, 10), ring.put(2, 255)))
    assert [item.cost is None for item in found.items] == [False, True]


def test_a_poison_frame_is_retried_alone_and_its_neighbours_are_done(tmp_path, ring) -> None:
    worker = analyser(tmp_path, Models(picky))
    found = worker.analyse(batch_of(ring.put(1, 10), ring.put(2, 255), ring.put(3, 30)))
    assert [item.error is None for item in found.items] == [True, False, True]
    assert [len(item.found) for item in found.items] == [1, 0, 1]
    assert found.items[1].error == "analysis_failed: the analysis broke with RuntimeError"
    counted = worker.counters.as_dict()
    assert (counted["batches_split"], counted["errors"]) == (1, {"analysis_failed": 1})


def test_a_frame_whose_memory_was_used_again_is_an_error_of_its_own(tmp_path, ring) -> None:
    gone, kept = ring.put(1, 10), ring.put(2, 20)
    ring.owner.release(gone.frame.slot)
    found = analyser(tmp_path, Models(one_box)).analyse(batch_of(gone, kept))
    assert found.items[0].error.startswith("frame_gone: camera cam-a, frame 1")
    assert len(found.items[1].found) == 1


def test_nan_from_the_model_is_an_error_in_words(tmp_path, ring) -> None:
    outputs = detr_outputs((0.5, 0.5, 0.5, 0.5, 0, 0.8))
    data = constant_graph(outputs)
    directory = install(tmp_path)
    outputs["pred_boxes"][:] = np.nan
    broken = constant_graph(outputs)
    (tmp_path / "models" / "nan.onnx").write_bytes(broken)
    (tmp_path / "models" / "nan.json").write_text(side_of(broken).to_json())
    model = ModelRef("v", "nan", "detr", side_of(broken).sha256)
    found = analyser(tmp_path, Unwarmed(directory)).analyse(batch_of(ring.put(1, 10), model=model))
    assert found.items[0].error.startswith("output_not_finite: output pred_boxes")
    assert data != broken


class Unwarmed:
    """Loads without the warm-up, which would already refuse such a model for the whole batch."""

    def __init__(self, directory: ModelDirectory) -> None:
        self._directory = directory

    def get(self, ref: ModelRef) -> LoadedModel:
        return self._directory.load(ref)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sha256": "0" * 64}, "model_wrong_hash: tiny.onnx: expected sha256 000"),
        ({"name": "../tiny"}, "model_missing: expected the name of a model"),
        ({"name": "absent"}, "side_file: absent.json"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_an_error_for_the_whole_batch(
    tmp_path, ring, changes, sentence
) -> None:
    worker = analyser(tmp_path, LoadedModels(install(tmp_path)))
    found = worker.analyse(batch_of(ring.put(1, 1), ring.put(2, 2), model=replace(MODEL, **changes)))
    assert all(item.error.startswith(sentence) for item in found.items)
    assert len(found.items) == 2


def test_after_the_deadline_nothing_is_answered_but_it_is_counted(tmp_path, ring) -> None:
    worker = analyser(tmp_path, Models(one_box))
    assert worker.analyse(batch_of(ring.put(1, 1), deadline_at=NOW - 0.1)) is None
    assert worker.counters.as_dict()["frames_expired"] == 1


def test_an_analysis_that_ends_after_the_deadline_is_not_answered(tmp_path, ring) -> None:
    times = iter([NOW, NOW, NOW + 9, NOW + 9, NOW + 9])
    worker = analyser(tmp_path, Models(one_box), clock=lambda: next(times))
    assert worker.analyse(batch_of(ring.put(1, 1))) is None
    assert worker.counters.as_dict()["batches_expired"] == 1


def test_the_same_model_is_loaded_once_and_the_oldest_goes(tmp_path, monkeypatch) -> None:
    directory = install(tmp_path)
    models = LoadedModels(directory, max_models=1)
    first = models.get(MODEL)
    assert models.get(MODEL) is first
    card = next(card for card in directory.cards() if card.name == "hog-people")
    models.get(ModelRef("v", card.name, card.family, card.sha256))
    assert set(models.served()) == {"hog-people"}


def test_a_machine_without_memory_refuses_to_load(tmp_path, monkeypatch) -> None:
    import psutil

    directory = install(tmp_path)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 10 * 2**20}))
    with pytest.raises(EngineError, match="10 MiB are free") as caught:
        LoadedModels(directory).get(MODEL)
    assert caught.value.code == "memory_short"
    assert caught.value.transient


class Worker:
    """A real Celery worker in a process of its own."""

    def __init__(self, folder: Path, redis_url: str, *arguments: str) -> None:
        self.folder, self.redis_url = folder, redis_url
        self.log = folder / "worker.log"
        environment = {
            **os.environ, "VIDETTE_DATA_DIR": str(folder), "VIDETTE_MODEL_DIR": str(folder / "models"),
            "VIDETTE_SHM_DIR": str(folder), "REDIS_URL": redis_url, "VIDETTE_LEASE_KEY": "not used here",
            "OBJECT_STORE_URL": (folder / "objects").as_uri(), "LOG_LEVEL": "INFO", "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        environment.pop("CELERY_BROKER_URL", None)
        command = [sys.executable, "-m", "celery", "-A", "inference_workers.celery_app", "worker"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "-Q", QUEUE_GPU, *arguments], cwd=folder, env=environment, stdout=log, stderr=log
            )

    def ready(self) -> "Worker":
        with redis.Redis.from_url(self.redis_url) as client:
            client.hdel(HEARTBEATS, "gpu")
            wait_until(
                lambda: self._alive() and client.hexists(HEARTBEATS, "gpu"), timeout_s=60, what="worker"
            )
        return self

    def _alive(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return True

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=30)


@pytest.fixture
def worker(tmp_path: Path, redis_url: str):
    install(tmp_path)
    started = [Worker(tmp_path, redis_url, "--pool", "solo").ready()]
    yield started
    for each in started:
        if each.process.poll() is None:
            each.stop(signal.SIGKILL)


def send(redis_url: str, batch: AnalyseBatch, expires: float = 30) -> None:
    app = Celery(broker=kombu_url(redis_url), set_as_current=False)
    app.send_task(TASK_ANALYSE, args=[encode(batch)], queue=QUEUE_GPU, expires=expires)


def reply(client: redis.Redis, timeout_s: float = 20) -> BatchReply:
    popped = client.blpop(["vidette:test:replies"], timeout=timeout_s)
    assert popped is not None, "no reply"
    return decode(BatchReply, popped[1])


def test_a_real_worker_answers_announces_and_survives_kill_9(worker, ring, redis_url, tmp_path) -> None:
    with redis.Redis.from_url(redis_url) as client:
        gone, *kept = (ring.put(seq, 10) for seq in (1, 2, 3))
        ring.owner.release(gone.frame.slot)
        send(redis_url, batch_of(gone, *kept, now=time.time()))
        answer = reply(client)
        assert [item.error is None for item in answer.items] == [False, True, True]
        assert answer.items[1].found[0].label == "person"

        cards = {
            name.decode(): decode(ModelCard, card) for name, card in client.hgetall(MODELS_PRESENT).items()
        }
        assert {"tiny", "centerface", "pp-ocr", "tesseract", "hog-people", "motion-mog2"} <= set(cards)
        install(tmp_path, "later")
        wait_until(lambda: client.hexists(MODELS_PRESENT, "later"), timeout_s=10, what="announcement")

        worker[0].stop(signal.SIGKILL)
        send(redis_url, batch_of(*kept, now=time.time() - 60), expires=60)  # its deadline is long over
        send(redis_url, batch_of(*kept, now=time.time() + 60, batch_id="after"))
        worker.append(Worker(tmp_path, redis_url, "--pool", "threads", "--concurrency", "2").ready())
        assert reply(client).batch_id == "after"
        assert client.llen("vidette:test:replies") == 0
        wait_until(
            lambda: b'"frames_expired": 2' in client.hget(HEARTBEATS, "gpu"), timeout_s=10, what="count"
        )


def test_a_message_of_another_release_does_not_stop_the_worker(worker, ring, redis_url) -> None:
    app = Celery(broker=kombu_url(redis_url), set_as_current=False)
    for message in ("", "{}", "[" * 5000, '{"batch_id": 1}'):
        app.send_task(TASK_ANALYSE, args=[message], queue=QUEUE_GPU, expires=30)
    item = replace(ring.put(1, 10), regions=(Region(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)), Script.LATIN),))
    send(redis_url, batch_of(item, now=time.time()))
    with redis.Redis.from_url(redis_url) as client:
        assert reply(client).items[0].error is None
        wait_until(lambda: b'"bad_message": 4' in client.hget(HEARTBEATS, "gpu"), timeout_s=10, what="count")


def test_it_refuses_prefork_in_words(tmp_path, redis_url) -> None:
    """`--pool prefork` itself is what Celery takes for 'nothing was said': then it is our default, solo."""
    started = Worker(tmp_path, redis_url, "--pool", "processes")
    try:
        assert started.process.wait(timeout=30) != 0
    finally:
        started.process.kill()
        started.process.wait()
    assert "expected --pool solo (one process per GPU) or --pool threads, got" in started.log.read_text()
