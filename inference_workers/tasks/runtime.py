"""What one inference worker process holds, made once, and what it announces about itself."""

import json
import logging
import os
import threading
import time
from functools import cache
from typing import Any

import psutil
import redis

from inference_workers.contracts.codec import encode
from inference_workers.contracts.lease import ModelRef
from inference_workers.contracts.names import HEARTBEATS, MODELS_PRESENT
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_directory import ModelDirectory
from inference_workers.engine.ring import FrameRing
from inference_workers.objects import Objects
from inference_workers.settings import WorkerSettings, settings
from inference_workers.tasks.analyse import Analyser
from inference_workers.tasks.counters import Counters
from inference_workers.tasks.images import ImageAnalyser
from inference_workers.tasks.loaded import LoadedModels
from inference_workers.tasks.reveal import RevealMaker
from inference_workers.tasks.second_look import Lookers, SecondLooks

logger = logging.getLogger(__name__)

HEARTBEAT_EVERY_S = 2.0
ANNOUNCE_EVERY_S = 30.0
# Loaded before the first frame comes: their first load takes a second that a face's deadline has not.
PRELOADED = ("centerface", "pp-ocr")


class Runtime:
    """The worker's models, stores and counters. `start` runs a thread that announces them."""

    def __init__(self, config: WorkerSettings) -> None:
        self.redis = redis.Redis.from_url(
            config.redis_url, socket_timeout=5, socket_connect_timeout=5, health_check_interval=15
        )
        self.counters = Counters()
        self.directory = ModelDirectory(config)
        self.models = LoadedModels(self.directory)
        self.busy_since: dict[int, float] = {}
        name = f"gpu-{os.getpid()}"
        self.analyser = Analyser(self.models, FrameRing(config.shm_dir).read, self.counters, name)
        self.images = ImageAnalyser(self.models, Objects(config.object_store_url), self.counters)
        self.reveals = RevealMaker(Objects(config.object_store_url), config.lease_key, self.counters)
        self.second_looks = SecondLooks(
            self.redis,
            Lookers(self.directory.cards, self.models),
            self.counters,
            lambda: bool(self.busy_since),
        )
        self._providers = config.providers
        self._name = "gpu"
        self._stopping = threading.Event()

    def start(self, hostname: str) -> None:
        """`hostname` is Celery's node name; a worker called other than `gpu` or `celery` shows as such."""
        node = hostname.partition("@")[0]
        self._name = "gpu" if node in ("gpu", "celery") else f"gpu-{node}"
        threading.Thread(target=self._announce_forever, name="announce", daemon=True).start()
        self.second_looks.start()

    def stop(self) -> None:
        self._stopping.set()
        self.second_looks.stop()

    def preload(self) -> None:
        for card in self.directory.cards():
            if card.name in PRELOADED and not card.problem:
                try:
                    self.models.get(ModelRef("", card.name, card.family, card.sha256))
                except EngineError as error:
                    logger.warning("%s could not be loaded at start: %s", card.name, error)

    def _announce_forever(self) -> None:
        next_cards_at, announced = 0.0, None
        while not self._stopping.is_set():
            try:
                contents = self.directory.contents()
                # What was put there serves in seconds, and is not taken for gone until the next round.
                if contents != announced or time.monotonic() >= next_cards_at:
                    self.announce_models()
                    next_cards_at, announced = time.monotonic() + ANNOUNCE_EVERY_S, contents
                self.beat()
            except redis.RedisError as error:
                logger.warning("could not announce this worker: %s", type(error).__name__)
                self.counters.error("announce_failed")
            except Exception:  # edge of the thread: a worker that nobody hears of is a worker lost
                logger.exception("could not announce this worker")
                self.counters.error("announce_failed")
            self._stopping.wait(HEARTBEAT_EVERY_S)

    def announce_models(self) -> None:
        """All cards in one step; all inference workers are expected to share one model directory."""
        cards: dict[Any, Any] = {card.name: encode(card) for card in self.directory.cards()}
        with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(MODELS_PRESENT)
            pipeline.hset(MODELS_PRESENT, mapping=cards)
            pipeline.execute()

    def beat(self) -> None:
        now = time.time()
        self.models.unload_replaced()
        oldest = min(self.busy_since.copy().values(), default=now)
        message = {
            "at": now,
            "pid": os.getpid(),
            "providers": list(self._providers),
            "served": self.models.served(),
            "loading": self.models.loading(),
            "refused": self.models.refused(),
            "busy_s": round(now - oldest, 3),
            "rss_bytes": psutil.Process().memory_info().rss,
            "metrics": self.counters.as_dict(),
        }
        self.redis.hset(HEARTBEATS, self._name, json.dumps(message, allow_nan=False))


@cache
def runtime() -> Runtime:
    return Runtime(settings())
