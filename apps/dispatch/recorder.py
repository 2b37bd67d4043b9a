"""Takes results from the stream into the database: at least once from Redis, exactly once in the tables.

A batch is applied in one transaction and acknowledged after its commit. Killed in between, the entries are
delivered again and change nothing. An entry that cannot be applied is set aside with its reason and blocks
nobody.
"""

import json
import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event as StopFlag
from typing import Any, cast

import psutil
from django.db import InterfaceError, OperationalError, close_old_connections, transaction
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from apps.detections.results import ResultBatch
from apps.dispatch.results import Entry
from inference_workers.contracts.names import HEARTBEATS, RESULTS, RESULTS_GROUP

DEAD_LETTERS = f"{RESULTS}:dead"
DEAD_LETTERS_KEPT = 10_000
BATCH = 200
READ_BLOCK_MS = 1000
# A transaction and its news cost more than the results in it: what comes meanwhile goes along.
LINGER_S = 0.05
CLAIM_IDLE_MS = 5000  # an entry that its consumer has held longer than this belongs to a dead one
CLAIM_EVERY_S = 2.0
HEARTBEAT_EVERY_S = 1.0
RETRY_S = 0.5
FORGET_CONSUMER_MS = 3_600_000
Pairs = list[tuple[bytes | None, dict[bytes, bytes] | None]]
_DATABASE_AWAY = (OperationalError, InterfaceError)
logger = logging.getLogger(__name__)


@dataclass
class Recorder:
    """The loop of one recorder process. `stop` is set by a signal; the batch in hand is finished."""

    redis: Redis
    stop: StopFlag = field(default_factory=StopFlag)
    consumer: str = field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    counts: Counter[str] = field(default_factory=Counter)
    _claimed_at: float = 0.0
    _beaten_at: float = 0.0

    def run(self) -> None:
        """Until `stop`; an absence of Redis is waited for."""
        self._with_redis(self._prepare)
        while not self.stop.is_set():
            self._with_redis(self._turn)
        logger.info("recorder stopped: %s", dict(self.counts))

    def drain(self) -> None:
        """Apply what lies in the stream now, then return."""
        self._prepare()
        while entries := self._claim() + self._read(block_ms=None):
            self._record(entries)

    def _with_redis(self, step: Callable[[], None]) -> None:
        try:
            step()
        except RedisError as error:
            logger.warning("recorder: Redis does not answer, trying again: %s", error)
            self.counts["redis_errors"] += 1
            self.stop.wait(RETRY_S)
            if "NOGROUP" in str(error):
                self._with_redis(self._prepare)

    def _prepare(self) -> None:
        try:
            self.redis.xgroup_create(RESULTS, RESULTS_GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def _turn(self) -> None:
        self._heartbeat()
        entries: list[Entry] = []
        if time.monotonic() - self._claimed_at >= CLAIM_EVERY_S:
            self._claimed_at = time.monotonic()
            entries = self._claim()
        entries = entries or self._read(block_ms=READ_BLOCK_MS)
        if entries and not self.stop.wait(LINGER_S):
            entries += self._read(block_ms=None)
        if entries:
            close_old_connections()
            self._record(entries)

    def _read(self, *, block_ms: int | None) -> list[Entry]:
        streams = self.redis.xreadgroup(
            RESULTS_GROUP, self.consumer, {RESULTS: ">"}, count=BATCH, block=block_ms
        )
        pairs = streams.values() if isinstance(streams, dict) else [pair[1] for pair in streams or []]
        return [entry for found in pairs for entry in _entries(cast(Pairs, found))]

    def _claim(self) -> list[Entry]:
        """Entries of consumers that died before they acknowledged."""
        answer = self.redis.xautoclaim(
            RESULTS, RESULTS_GROUP, self.consumer, min_idle_time=CLAIM_IDLE_MS, count=BATCH
        )
        entries = _entries(cast(Pairs, answer[1]))
        self.counts["claimed"] += len(entries)
        self._forget_consumers()
        return entries

    def _forget_consumers(self) -> None:
        for row in self.redis.xinfo_consumers(RESULTS, RESULTS_GROUP):
            if row["idle"] > FORGET_CONSUMER_MS and row["pending"] == 0:
                self.redis.xgroup_delconsumer(RESULTS, RESULTS_GROUP, row["name"])

    def _record(self, entries: list[Entry]) -> None:
        """Commit, then acknowledge. While the database is away the entries are held."""
        while True:
            try:
                refused = self._apply(entries)
            except _DATABASE_AWAY as error:
                logger.warning("recorder: the database does not answer, trying again: %s", error)
                self.counts["database_errors"] += 1
                if self.stop.wait(RETRY_S):
                    return
                self._heartbeat()
                close_old_connections()
            else:
                self._acknowledge(entries, refused)
                return

    def _apply(self, entries: list[Entry]) -> dict[bytes, str]:
        """Apply all in one transaction; when one of them breaks it, each in its own."""
        try:
            self._apply_together(entries)
        except _DATABASE_AWAY:
            raise
        except Exception:  # noqa: BLE001 - told apart one by one below
            return self._apply_one_by_one(entries)
        return {}

    def _apply_together(self, entries: list[Entry]) -> None:
        with transaction.atomic():
            batch = ResultBatch()
            outcomes = [entry.apply(batch) for entry in entries]
            batch.finish()
        self.counts.update(outcome.value for outcome in outcomes)

    def _apply_one_by_one(self, entries: list[Entry]) -> dict[bytes, str]:
        refused: dict[bytes, str] = {}
        for entry in entries:
            try:
                self._apply_together([entry])
            except _DATABASE_AWAY:
                raise
            except Exception as error:  # noqa: BLE001 - one bad entry must not stop the others
                reason = f"{type(error).__name__}: {error}"[:500]
                logger.error("recorder: entry %s was set aside: %s", entry.entry_id.decode(), reason)
                refused[entry.entry_id] = reason
        return refused

    def _acknowledge(self, entries: list[Entry], refused: dict[bytes, str]) -> None:
        """Acknowledged entries leave the stream, so that it holds only what is still to be recorded."""
        pipeline = self.redis.pipeline(transaction=True)
        for entry in entries:
            if entry.entry_id in refused:
                letter = _dead_letter(entry, refused[entry.entry_id])
                pipeline.xadd(DEAD_LETTERS, letter, maxlen=DEAD_LETTERS_KEPT, approximate=True)
        keys = [entry.entry_id for entry in entries]
        pipeline.xack(RESULTS, RESULTS_GROUP, *keys)
        pipeline.xdel(RESULTS, *keys)
        pipeline.execute()
        self.counts["dead_letters"] += len(refused)
        self.counts["batches"] += 1

    def _heartbeat(self) -> None:
        if time.monotonic() - self._beaten_at < HEARTBEAT_EVERY_S:
            return
        self._beaten_at = time.monotonic()
        beat = {
            "at": time.time(),
            "pid": os.getpid(),
            "rss_bytes": psutil.Process().memory_info().rss,
            "waiting": self.redis.xlen(RESULTS),
            "dead_letters": self.redis.xlen(DEAD_LETTERS),
            "counts": dict(self.counts),
        }
        self.redis.hset(HEARTBEATS, "recorder", json.dumps(beat))


def _dead_letter(entry: Entry, reason: str) -> dict[Any, Any]:
    return {**entry.fields, b"reason": reason, b"entry_id": entry.entry_id}


def _entries(pairs: Pairs) -> list[Entry]:
    """Entries whose content is gone (trimmed by the stream's bound) have no fields and are left out."""
    return [Entry(key, fields) for key, fields in pairs if key is not None and fields]
