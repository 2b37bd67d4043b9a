"""The streams' side of the GPU worker: frames in, answers back, nothing waits longer than its deadline.

Runners submit single frames; a dispatcher thread makes micro-batches of all cameras and sends them; a reply
thread routes the answers. Neither the broker nor the worker can block a runner. Only a few batches are under
way at once: the rest waits here, where a newer frame takes the place of an older one (lost: `busy`), and not
in the worker's queue, where it would grow too old to count.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import redis
from celery import Celery

from inference_workers.broker import kombu_url
from inference_workers.contracts.codec import ContractError, decode, encode
from inference_workers.contracts.frames import AnalyseBatch, BatchItem, BatchReply, ItemResult
from inference_workers.contracts.lease import ModelRef, Stage
from inference_workers.contracts.names import QUEUE_GPU, TASK_ANALYSE
from inference_workers.engine.batching import Batcher

LOST_BUSY = "busy"
LOST_TIMEOUT = "worker_timeout"
LOST_BROKER = "broker_unavailable"
LOST_ERROR = "analysis_error"
LOST_MODEL = "model_mismatch"
_REPLY_WAIT_S = 0.25
# No batch shall hold the worker longer: the next look for faces waits behind it.
BATCH_BUDGET_MS = 120.0
# A second of waiting counts most where people would be shown as a mosaic meanwhile.
URGENCY = {Stage.FACES: 4.0, Stage.TEXT_BOXES: 2.0, Stage.DETECT: 1.0, Stage.TEXT: 0.5}
# What these stages may take of a worker's time. Faces have no limit: without them there is no picture.
SHARE = {Stage.DETECT: 0.3, Stage.TEXT: 0.2}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one frame in one stage. `lost` is the reason when there is no result."""

    camera_id: str
    seq: int
    stage: Stage
    model: ModelRef
    result: ItemResult | None
    lost: str = ""


@dataclass(slots=True)
class AnalysisFigures:
    """Counters for the heartbeat; `answer_ms_sum` over `answered` is submit to answer."""

    batches: int = 0
    items: int = 0
    answered: int = 0
    late_replies: int = 0
    answer_ms_sum: float = 0.0
    infer_ms_sum: float = 0.0
    lost: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Request:
    stage: Stage
    model: ModelRef
    item: BatchItem
    on_answer: Callable[[Answer], None]
    submitted_at: float


Sender = Callable[[AnalyseBatch], None]
Key = tuple[Stage, ModelRef]


class Analysis:
    """Shared by all cameras of a streams process.

    Args:
        send: hands one batch to the broker; may raise or block for seconds, only the dispatcher waits.
        client: for the replies; a connection of its own.
        in_flight: how many batches may be under way; one more than there are workers keeps them busy.
    """

    def __init__(
        self,
        send: Sender,
        client: redis.Redis,
        *,
        batch_size: int,
        max_wait_s: float,
        deadline_s: float,
        in_flight: int,
    ) -> None:
        self._send = send
        self._client = client
        self._deadline_s = deadline_s
        self.reply_to = f"vidette:replies:{uuid.uuid4().hex}"
        self._in_flight = in_flight
        self._batcher: Batcher[Key, _Request] = Batcher(
            batch_size, max_wait_s, BATCH_BUDGET_MS, _urgency, _share
        )
        self._open: dict[tuple[str, int, Stage], _Request] = {}
        self._batches: dict[str, tuple[float, list[_Request]]] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self.figures = AnalysisFigures()
        self._threads = [
            threading.Thread(target=self._dispatch_loop, name="dispatch", daemon=True),
            threading.Thread(target=self._reply_loop, name="replies", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=2)

    def submit(
        self, stage: Stage, model: ModelRef, item: BatchItem, on_answer: Callable[[Answer], None]
    ) -> None:
        """Queue one frame; `on_answer` is called exactly once, from any thread, within the deadline."""
        request = _Request(stage, model, item, on_answer, time.time())
        with self._changed:
            self._open[_key(request)] = request
            replaced = self._batcher.add((stage, model), item.frame.camera_id, request, time.monotonic())
            self._changed.notify_all()
        if replaced is not None:
            self._close(replaced, None, LOST_BUSY)

    # --- sending

    def _dispatch_loop(self) -> None:
        while batch := self._next_batch():
            (stage, model), requests = batch
            self._send_batch(stage, model, requests)

    def _next_batch(self) -> tuple[Key, list[_Request]] | None:
        """Wait for a batch and for a place at the worker; None when it is time to stop."""
        with self._changed:
            while not self._stopping:
                free, idle = len(self._batches) < self._in_flight, not self._batches
                if free and (batch := self._batcher.take(time.monotonic(), idle=idle)):
                    return batch
                due_at = self._batcher.next_due_at(idle=idle) if free else None
                self._changed.wait(None if due_at is None else max(0.001, due_at - time.monotonic()))
            return None

    def _send_batch(self, stage: Stage, model: ModelRef, requests: list[_Request]) -> None:
        now = time.time()
        fresh = [request for request in requests if self._is_open(request)]
        if not fresh:
            return
        batch = AnalyseBatch(
            batch_id=uuid.uuid4().hex,
            stage=stage,
            model=model,
            items=tuple(request.item for request in fresh),
            reply_to=self.reply_to,
            submitted_at=now,
            deadline_at=min(request.submitted_at for request in fresh) + self._deadline_s,
        )
        with self._changed:
            self._batches[batch.batch_id] = (batch.deadline_at, fresh)
        self.figures.batches += 1
        self.figures.items += len(fresh)
        try:
            self._send(batch)
        except Exception as error:  # noqa: BLE001 - kombu raises what its transport raises; counted as lost
            _log.warning("the broker took no batch: %s", type(error).__name__)
            with self._changed:
                self._batches.pop(batch.batch_id, None)
                self._changed.notify_all()
            for request in fresh:
                self._close(request, None, LOST_BROKER)

    def _is_open(self, request: _Request) -> bool:
        with self._changed:
            return self._open.get(_key(request)) is request

    # --- answers

    def _reply_loop(self) -> None:
        while not self._stopping:
            try:
                entry = self._client.blpop([self.reply_to], timeout=_REPLY_WAIT_S)
            except redis.RedisError as error:
                _log.warning("replies cannot be read: %s", type(error).__name__)
                entry = None
                time.sleep(_REPLY_WAIT_S)
            if entry is not None:
                self._take_reply(entry[1])
            self._sweep(time.time())

    def _take_reply(self, text: bytes | str) -> None:
        try:
            reply = decode(BatchReply, text)
        except ContractError as error:
            _log.error("a reply of the worker was refused: %s", error)
            return
        with self._changed:
            _, requests = self._batches.pop(reply.batch_id, (0.0, []))
            if requests:
                key = (requests[0].stage, requests[0].model)
                self._batcher.learn(key, len(requests), reply.preprocess_ms + reply.infer_ms)
            self._changed.notify_all()
        if not requests:
            self.figures.late_replies += 1
            return
        self.figures.infer_ms_sum += reply.infer_ms
        items = {(item.camera_id, item.epoch, item.seq): item for item in reply.items}
        for request in requests:
            frame = request.item.frame
            item = items.get((frame.camera_id, frame.epoch, frame.seq))
            self._close(request, item, _reason(request, reply, item))

    def _sweep(self, now: float) -> None:
        with self._changed:
            late = [r for r in self._open.values() if now > r.submitted_at + self._deadline_s]
            sent = {id(r) for _, requests in self._batches.values() for r in requests}
            for batch_id in [key for key, (at, _) in self._batches.items() if now > at]:
                del self._batches[batch_id]
                self._changed.notify_all()
        for request in late:
            self._close(request, None, LOST_TIMEOUT if id(request) in sent else LOST_BUSY)

    def _close(self, request: _Request, item: ItemResult | None, lost: str) -> None:
        with self._changed:
            if self._open.get(_key(request)) is not request:
                return
            del self._open[_key(request)]
        if lost:
            self.figures.lost[lost] = self.figures.lost.get(lost, 0) + 1
        else:
            self.figures.answered += 1
            self.figures.answer_ms_sum += (time.time() - request.submitted_at) * 1000
        frame = request.item.frame
        request.on_answer(
            Answer(frame.camera_id, frame.seq, request.stage, request.model, None if lost else item, lost)
        )


def _key(request: _Request) -> tuple[str, int, Stage]:
    frame = request.item.frame
    return frame.camera_id, frame.seq, request.stage


def _urgency(key: Key) -> float:
    return URGENCY.get(key[0], 1.0)


def _share(key: Key) -> float:
    return SHARE.get(key[0], 1.0)


def _reason(request: _Request, reply: BatchReply, item: ItemResult | None) -> str:
    """Why an answer does not count; empty when it does."""
    if reply.model_sha256 != request.model.sha256:
        return LOST_MODEL
    if item is None or item.error is not None:
        if item is not None:
            _log.warning("camera %s: frame %s: %s", item.camera_id, item.seq, item.error)
        return LOST_ERROR
    return ""


def celery_sender(broker_url: str) -> Sender:
    """Sends batches to the queue of the GPU worker; gives up after seconds instead of waiting for ever."""
    url = kombu_url(broker_url)
    app = Celery("vidette-streams", broker=url, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        task_serializer="json",
        broker_connection_retry_on_startup=False,
        broker_connection_timeout=2,
        broker_pool_limit=1,
    )
    if url.startswith("redis"):
        app.conf.broker_transport_options = {"socket_timeout": 2, "socket_connect_timeout": 2}
    else:
        app.conf.task_create_missing_queue_type = "quorum"  # as the worker declares its queue

    def send(batch: AnalyseBatch) -> None:
        app.send_task(
            TASK_ANALYSE,
            args=[encode(batch)],
            queue=QUEUE_GPU,
            expires=max(0.1, batch.deadline_at - time.time()),
            retry=False,
            ignore_result=True,
        )

    return send
