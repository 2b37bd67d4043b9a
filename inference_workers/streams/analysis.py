"""The streams' side of the GPU worker: frames in, answers back, nothing waits longer than its deadline.

Runners submit single frames; a dispatcher thread makes micro-batches of all cameras and sends them; a reply
thread routes the answers. Neither the broker nor the worker can block a runner. Only a few batches are under
way at once: the rest waits here, where a newer frame takes the place of an older one (lost: `busy`), and not
in the worker's queue, where it would grow too old to count. Shadows give way: their batches are small, leave
only when nothing that serves waits, and leave a place free.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import redis

from inference_workers.contracts.codec import ContractError, decode
from inference_workers.contracts.frames import AnalyseBatch, BatchReply, ItemResult
from inference_workers.contracts.lease import Stage
from inference_workers.engine.batching import Batcher
from inference_workers.streams.looks import Answer, Look, OnAnswer, Request
from inference_workers.streams.priorities import (
    BATCH_BUDGET_MS,
    Key,
    is_shadow,
    like,
    nobody,
    room,
    serves,
    share,
    urgency,
)

LOST_BUSY = "busy"
LOST_TIMEOUT = "worker_timeout"
LOST_BROKER = "broker_unavailable"
LOST_ERROR = "analysis_error"
LOST_MODEL = "model_mismatch"
LOST_LOADING = "model_loading"
_REPLY_WAIT_S = 0.25
_log = logging.getLogger(__name__)


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
class _Asked:
    """A request that waits for its answer; each is told exactly once."""

    request: Request
    on_answer: OnAnswer
    submitted_at: float

    @property
    def camera_id(self) -> str:
        return self.request.item.frame.camera_id

    @property
    def key(self) -> tuple[str, int, Look]:
        frame = self.request.item.frame
        return frame.camera_id, frame.seq, self.request.look


class _Sent(NamedTuple):
    """A batch that is under way."""

    deadline_at: float
    key: Key
    asked: list[_Asked]


Sender = Callable[[AnalyseBatch], None]


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
        self._batcher: Batcher[Key, _Asked] = Batcher(
            batch_size, max_wait_s, BATCH_BUDGET_MS, urgency, share, room=room, like=like
        )
        self._open: dict[tuple[str, int, Look], _Asked] = {}
        self._batches: dict[str, _Sent] = {}
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

    def submit(self, request: Request, on_answer: OnAnswer) -> None:
        """Queue one frame; `on_answer` is called exactly once, from any thread, within the deadline."""
        asked = _Asked(request, on_answer, time.time())
        with self._changed:
            self._open[asked.key] = asked
            look = request.look
            key = Key(Look(look.stage, look.role), request.model, request.fallback)
            source = f"{asked.camera_id} {look.zone_id} {look.cascade_id}"
            replaced = self._batcher.add(key, source, asked, time.monotonic())
            self._changed.notify_all()
        if replaced is not None:
            self._close(replaced, None, LOST_BUSY)

    # --- sending

    def _dispatch_loop(self) -> None:
        while batch := self._next_batch():
            self._send_batch(*batch)

    def _next_batch(self) -> tuple[Key, list[_Asked]] | None:
        """Wait for a batch and for a place at the worker; None when it is time to stop."""
        with self._changed:
            while not self._stopping:
                free, idle = len(self._batches) < self._in_flight, not self._batches
                held = nobody if self._shadow_may_leave() else is_shadow
                if free and (batch := self._batcher.take(time.monotonic(), idle=idle, held=held)):
                    return batch
                due_at = self._batcher.next_due_at(idle=idle, held=held) if free else None
                self._changed.wait(None if due_at is None else max(0.001, due_at - time.monotonic()))
            return None

    def _shadow_may_leave(self) -> bool:
        """One at a time, while nothing that serves waits, and it must leave a place free."""
        if self._batcher.waits(serves) or any(is_shadow(sent.key) for sent in self._batches.values()):
            return False
        return not self._batches or len(self._batches) + 1 < self._in_flight

    def _send_batch(self, key: Key, waiting: list[_Asked]) -> None:
        fresh = [asked for asked in waiting if self._is_open(asked)]
        if not fresh:
            return
        batch = AnalyseBatch(
            batch_id=uuid.uuid4().hex,
            stage=key.look.stage,
            model=key.model,
            items=tuple(asked.request.item for asked in fresh),
            reply_to=self.reply_to,
            submitted_at=time.time(),
            deadline_at=min(asked.submitted_at for asked in fresh) + self._deadline_s,
            fallback=key.fallback,
            shadow=key.look.shadow,
        )
        with self._changed:
            self._batches[batch.batch_id] = _Sent(batch.deadline_at, key, fresh)
        self.figures.batches += 1
        self.figures.items += len(fresh)
        try:
            self._send(batch)
        except Exception as error:  # noqa: BLE001 - kombu raises what its transport raises; counted as lost
            _log.warning("the broker took no batch: %s", type(error).__name__)
            with self._changed:
                self._batches.pop(batch.batch_id, None)
                self._changed.notify_all()
            for asked in fresh:
                self._close(asked, None, LOST_BROKER)

    def _is_open(self, asked: _Asked) -> bool:
        with self._changed:
            return self._open.get(asked.key) is asked

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
            sent = self._batches.pop(reply.batch_id, None)
            if sent is not None and reply.items:
                for name in (sent.key.look.stage, (sent.key.look.stage, reply.model_sha256)):
                    self._batcher.learn(name, len(reply.items), reply.preprocess_ms + reply.infer_ms)
            self._changed.notify_all()
        if sent is None:
            self.figures.late_replies += 1
            return
        self.figures.infer_ms_sum += reply.infer_ms
        items = reply.items if len(reply.items) == len(sent.asked) else [None] * len(sent.asked)
        for asked, item in zip(sent.asked, items, strict=True):
            found = item if item is not None and _is_about(item, asked) else None
            self._close(asked, found, _reason(sent.key, reply, found), reply)

    def _sweep(self, now: float) -> None:
        with self._changed:
            late = [asked for asked in self._open.values() if now > asked.submitted_at + self._deadline_s]
            sent = {id(asked) for batch in self._batches.values() for asked in batch.asked}
            for batch_id in [key for key, batch in self._batches.items() if now > batch.deadline_at]:
                del self._batches[batch_id]
                self._changed.notify_all()
        for asked in late:
            self._close(asked, None, LOST_TIMEOUT if id(asked) in sent else LOST_BUSY)

    def _close(
        self, asked: _Asked, item: ItemResult | None, lost: str, reply: BatchReply | None = None
    ) -> None:
        with self._changed:
            if self._open.get(asked.key) is not asked:
                return
            del self._open[asked.key]
        self._count(asked, lost)
        asked.on_answer(_answer(asked, item, lost, reply))

    def _count(self, asked: _Asked, lost: str) -> None:
        if lost:
            look = asked.request.look
            apart = "shadow" if look.shadow else "cascade" if look.cascade_id else ""
            reason = f"{apart}_{lost}" if apart else lost
            self.figures.lost[reason] = self.figures.lost.get(reason, 0) + 1
        elif not asked.request.look.shadow:
            self.figures.answered += 1
            self.figures.answer_ms_sum += (time.time() - asked.submitted_at) * 1000


def _answer(asked: _Asked, item: ItemResult | None, lost: str, reply: BatchReply | None) -> Answer:
    request = asked.request
    frame, model = request.item.frame, request.model
    if reply is None:
        return Answer(frame.camera_id, frame.seq, request.look, model, None if lost else item, lost)
    served = (reply.model_version_id, reply.model_sha256)
    if request.fallback is not None and served == (request.fallback.version_id, request.fallback.sha256):
        model = request.fallback
    return Answer(
        frame.camera_id, frame.seq, request.look, model, None if lost else item, lost,
        item.cost if item is not None else None,
        reply.waiting or (item.error or "" if item is not None else ""),
    )  # fmt: skip


def _is_about(item: ItemResult, asked: _Asked) -> bool:
    frame = asked.request.item.frame
    return (item.camera_id, item.epoch, item.seq) == (frame.camera_id, frame.epoch, frame.seq)


def _reason(key: Key, reply: BatchReply, item: ItemResult | None) -> str:
    """Why an answer does not count; empty when it does."""
    if reply.waiting and (key.look.shadow or key.look.stage is Stage.CLASSIFY):
        return LOST_LOADING
    if reply.model_sha256 not in {ref.sha256 for ref in (key.model, key.fallback) if ref is not None}:
        return LOST_MODEL
    if item is None or item.error is not None:
        if item is not None:
            _log.warning("camera %s: frame %s: %s", item.camera_id, item.seq, item.error)
        return LOST_ERROR
    return ""
