"""Rows that come at the rate of machines, sealed into the chain in blocks.

One head row serialises all writers. Requests of this process that arrive while a block is being written wait
and go into the next one together, under one lock and in one transaction. Nothing is shown before the block is
committed, so there are never rows that wait to be sealed, and no open transaction can hide one behind a seal.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from apps.audit.models import AuditRecord

MOST_ROWS = 500
Chain = Callable[[Sequence[AuditRecord]], None]


@dataclass(eq=False, slots=True)
class _Share:
    """The rows of one request in a block."""

    records: Sequence[AuditRecord]
    done: bool = False
    error: Exception | None = None


class BlockWriter:
    """The queue of one process. `write` returns when the rows are committed, or raises what kept them out."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._turn = threading.Lock()
        self._guard = threading.Lock()
        self._waiting: list[_Share] = []

    def write(self, records: Sequence[AuditRecord]) -> None:
        if connection.in_atomic_block:  # others must not wait for the end of this transaction
            with transaction.atomic():
                self._chain(records)
            return
        share = _Share(records)
        with self._guard:
            self._waiting.append(share)
        with self._turn:
            if not share.done:
                self._write_block(share)
        if share.error is not None:
            raise share.error

    def _write_block(self, own: _Share) -> None:
        shares = self._take(own)
        # Whatever ends this, nobody in the block may take it for written before it is committed.
        failure: Exception | None = RuntimeError("a block of the record was given up")
        try:
            with transaction.atomic():
                self._chain([record for share in shares for record in share.records])
            failure = None
        except Exception as error:  # noqa: BLE001 - each request of the block raises it
            failure = error
        finally:
            for share in shares:
                share.error, share.done = failure, True

    def _take(self, own: _Share) -> list[_Share]:
        """One's own share and the oldest of the others, up to the size of a block."""
        with self._guard:
            taken, rows = [own], len(own.records)
            for share in [share for share in self._waiting if share is not own]:
                if rows + len(share.records) > MOST_ROWS:
                    break
                taken.append(share)
                rows += len(share.records)
            self._waiting = [share for share in self._waiting if share not in taken]
        return taken
