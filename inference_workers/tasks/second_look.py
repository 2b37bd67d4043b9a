"""The worker's idle time: redacted pictures that have left are looked at again.

A thread of low priority takes samples from a Redis list while no frame waits, and never more than a small
share of the time: live pictures come first. A sample is perishable; what nobody looked at in time is gone,
and is in no count.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable

import numpy as np
import redis

from inference_workers.contracts.codec import ContractError, decode, encode
from inference_workers.contracts.leaks import LeakBox, SecondLook
from inference_workers.contracts.lease import ModelRef
from inference_workers.contracts.models import ModelCard
from inference_workers.contracts.names import RESULTS, SECOND_LOOKS, sample_key
from inference_workers.contracts.results import LeakSample
from inference_workers.engine.detectors.base import Detector
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Image
from inference_workers.engine.pictures import decode_picture
from inference_workers.engine.second_look import (
    SIDE_PX,
    CascadeLooker,
    Leak,
    Looker,
    find_leaks,
    lookers_for,
)
from inference_workers.tasks.counters import Counters
from inference_workers.tasks.loaded import LoadedModels

logger = logging.getLogger(__name__)

# Of one core: on two cores this is one percent of the machine.
MAX_SHARE = 0.02
# Not more: this thread shares Python's lock with those that look for faces, and would hold it while it waits.
NICENESS = 5
WAIT_S = 1.0
IDLE_WITHIN_S = 5.0
RESULTS_LENGTH = 200_000
MAX_PICTURE_BYTES = 8 * 1024 * 1024
MAX_BOXES = 64


class Lookers:
    """Chooses who looks again; detectors stay with `models`."""

    def __init__(self, cards: Callable[[], Iterable[ModelCard]], models: LoadedModels) -> None:
        self._cards = cards
        self._models = models
        self._cascade = CascadeLooker()

    def for_family(self, family: str) -> tuple[Looker, ...]:
        """Another family than `family`; where none is installed the same, larger, and with the cascade.

        Raises:
            EngineError: no face detector is installed, or those of `LoadedModels.get`.
        """
        return lookers_for({family}, self._cards(), self._open, self._cascade)

    def warm_up(self) -> None:
        """Load whoever may have to look: at a low priority loading takes long, and other models wait."""
        for family in sorted({card.family for card in self._cards() if card.task == "face"}):
            self.for_family(family)

    def _open(self, card: ModelCard) -> Detector:
        ref = ModelRef("", card.name, card.family, card.sha256)
        detector = self._models.get(ref, input_size=SIDE_PX).detector
        if detector is None:
            raise EngineError("model_task", f"{card.name} finds no faces")
        return detector


class SecondLooks(threading.Thread):
    """Takes samples while the worker is idle.

    Args:
        busy: whether frames are being analysed now.
        share: of one core's time that looking may take.
    """

    def __init__(
        self,
        client: redis.Redis,
        lookers: Lookers,
        counters: Counters,
        busy: Callable[[], bool],
        *,
        share: float = MAX_SHARE,
    ) -> None:
        super().__init__(name="second-look", daemon=True)
        self._client = client
        self._lookers = lookers
        self._counters = counters
        self._busy = busy
        self._share = share
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        try:
            self._lookers.warm_up()
        except EngineError as error:
            logger.warning("second look: %s", error)
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while not self._stopping.is_set():
            try:
                spent_s = self.take_one(WAIT_S)
            except redis.RedisError as error:
                logger.warning("second look: Redis does not answer: %s", type(error).__name__)
                spent_s = WAIT_S * self._share
            except Exception:  # edge of the thread: one picture must not end the meter
                logger.exception("second look: a sample could not be looked at")
                self._counters.error("second_look_failed")
                spent_s = WAIT_S * self._share
            self._stopping.wait(spent_s * (1 / self._share - 1))

    def take_one(self, wait_s: float) -> float:
        """Look at the next sample, if one comes within `wait_s`; CPU seconds of this thread that it took."""
        entry = self._client.blpop([SECOND_LOOKS], timeout=wait_s)
        if entry is None:
            return 0.0
        started_s = time.thread_time()
        try:
            self._look(decode(SecondLook, entry[1]))
        except ContractError as error:
            self._counters.error("bad_message")
            logger.warning("second look: a sample of another release was dropped: %s", error)
        except EngineError as error:
            self._counters.error(error.code)
            logger.warning("second look: %s", error)
        return time.thread_time() - started_s

    def _look(self, wanted: SecondLook) -> None:
        jpeg = self._client.getdel(sample_key(wanted.sample_id))
        if not isinstance(jpeg, bytes) or len(jpeg) > MAX_PICTURE_BYTES:
            self._counters.add("second_looks_late")
            return
        image = decode_picture(jpeg)
        self._wait_for_idleness()
        started_at = time.monotonic()
        lookers = self._lookers.for_family(wanted.faces_family)
        found = find_leaks(image, _pixels(wanted, image), lookers, wanted.masks)
        took_ms = (time.monotonic() - started_at) * 1000
        sample = _sample(wanted, image, found, tuple(looker.name for looker in lookers), took_ms)
        self._client.xadd(
            RESULTS,
            {"type": type(sample).__name__, "data": encode(sample)},
            maxlen=RESULTS_LENGTH,
            approximate=True,
        )
        self._counters.add("second_looks")
        self._counters.add("leaks_found", len(sample.leaks))
        self._counters.observe("second_look_ms", took_ms)

    def _wait_for_idleness(self) -> None:
        until = time.monotonic() + IDLE_WITHIN_S
        while self._busy() and time.monotonic() < until:
            self._stopping.wait(0.02)


def _pixels(wanted: SecondLook, image: Image) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    height, width = image.shape[:2]
    return np.array(wanted.covered_xyxy, np.float64).reshape(-1, 4) * [width, height, width, height]


def _sample(
    wanted: SecondLook, image: Image, found: list[Leak], lookers: tuple[str, ...], took_ms: float
) -> LeakSample:
    leaks = [leak for leak in found if not leak.on_cover]
    return LeakSample(
        sample_id=wanted.sample_id,
        camera_id=wanted.camera_id,
        epoch=wanted.epoch,
        seq=wanted.seq,
        at=wanted.at,
        kind=wanted.kind,
        lookers=lookers,
        lease_id=wanted.lease_id,
        leaks=tuple(_box(leak, image) for leak in leaks[:MAX_BOXES]),
        on_covers=len(found) - len(leaks),
        took_ms=took_ms,
    )


def _box(leak: Leak, image: Image) -> LeakBox:
    height, width = image.shape[:2]
    left, top, right, bottom = leak.box_xyxy
    box = (left / width, top / height, right / width, bottom / height)
    return LeakBox(box, leak.score, leak.looker)
