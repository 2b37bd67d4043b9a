"""The signed checkpoints beside a walk along the chain: they tell what the chain itself cannot.

A chain that was rewritten as a whole agrees with itself; the checkpoints outside of the database do not agree
with it.
"""

import logging
from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext_noop as _

from apps.audit.chain import GENESIS_PREVIOUS, canonical
from apps.audit.checkpoints import (
    Checkpoint,
    CheckpointRefused,
    checkpoint_read,
    checkpoints_outside,
    checkpoints_stored,
)
from apps.audit.timestamps import time_stamp_holds
from apps.audit.verdict import Broken
from apps.core.errors import Unavailable

logger = logging.getLogger(__name__)


class Witness:
    """Compares each record of a walk from `since` on with the checkpoint that covers it."""

    def __init__(self, since: int) -> None:
        self.compared = 0
        self.covered_seq: int | None = None
        self.not_outside = 0
        self.time_stamps = 0
        self.bad_time_stamps: list[int] = []
        self._rest = self._in_order()
        self._current = next(self._rest, None)
        while self._current is not None and self._current.last < since:
            self._current = next(self._rest, None)

    def step(self, seq: int, record_hash: str) -> None:
        """Raises Broken when the record is another one than that which was signed."""
        checkpoint = self._current
        if checkpoint is None or seq < checkpoint.first:
            return
        if checkpoint.hashes and checkpoint.hashes[seq - checkpoint.first] != record_hash:
            raise Broken(
                seq,
                _("was rewritten: checkpoint %(number)s, signed at %(at)s, holds another hash of it"),
                number=checkpoint.number,
                at=checkpoint.at,
            )
        if seq == checkpoint.last:
            self._finish(checkpoint, record_hash)

    def _finish(self, checkpoint: Checkpoint, record_hash: str) -> None:
        if record_hash != checkpoint.hash:
            raise Broken(
                checkpoint.last,
                _(
                    "was rewritten, or one since %(first)s: checkpoint %(number)s, signed at %(at)s, "
                    "holds another hash"
                ),
                first=checkpoint.first,
                number=checkpoint.number,
                at=checkpoint.at,
            )
        self.compared += 1
        self.covered_seq = checkpoint.last
        self._look_at_time_stamp(checkpoint)
        self._current = next(self._rest, None)

    def _look_at_time_stamp(self, checkpoint: Checkpoint) -> None:
        """It lies beside the signed statement, so that whoever may write there may put another one."""
        answer = checkpoint.document.get("time_stamp")
        if not answer or not settings.TSA_ROOTS:
            return
        if time_stamp_holds(str(answer), canonical(dict(checkpoint.document["statement"]))):
            self.time_stamps += 1
        else:
            self.bad_time_stamps.append(checkpoint.number)

    def end(self, next_seq: int) -> None:
        """The walk has ended: a checkpoint that names a later record shows that the tail was cut."""
        if self._current is not None and self._current.last >= next_seq:
            raise Broken(
                next_seq,
                _("is missing: checkpoint %(number)s, signed at %(at)s, names records up to %(last)s"),
                number=self._current.number,
                at=self._current.at,
                last=self._current.last,
            )

    def _in_order(self) -> Iterator[Checkpoint]:
        """Each checkpoint once, the copy outside before that of the database; linked without a gap."""
        number, first, previous = 0, 0, GENESIS_PREVIOUS
        for checkpoint in self._merged():
            statement = checkpoint.document["statement"]
            if checkpoint.number != number:
                raise Broken(first, _("cannot be checked: checkpoint %(number)s is missing"), number=number)
            if checkpoint.first != first or statement["previous"] != previous:
                raise Broken(
                    first,
                    _("cannot be checked: checkpoint %(number)s does not follow the one before"),
                    number=number,
                )
            yield checkpoint
            number, first, previous = number + 1, checkpoint.last + 1, checkpoint.digest

    def _merged(self) -> Iterator[Checkpoint]:
        stored = {checkpoint.number: checkpoint for checkpoint in checkpoints_stored()}
        for checkpoint in _readable():
            known = stored.pop(checkpoint.number, None)
            yield from self._alone(stored, below=checkpoint.number)
            if known is not None and known.digest != checkpoint.digest:
                raise Broken(
                    checkpoint.first,
                    _("cannot be checked: the database holds another checkpoint %(number)s"),
                    number=checkpoint.number,
                )
            yield checkpoint
        yield from self._alone(stored, below=None)

    def _alone(self, stored: dict[int, Checkpoint], *, below: int | None) -> Iterator[Checkpoint]:
        """Checkpoints that the database alone holds."""
        for number in sorted(number for number in stored if below is None or number < below):
            checkpoint = stored.pop(number)
            try:
                yield checkpoint_read(canonical(dict(checkpoint.document)))
            except CheckpointRefused as error:
                raise Broken(
                    checkpoint.first,
                    _("cannot be checked: checkpoint %(number)s: %(error)s"),
                    number=number,
                    error=error,
                ) from error
            self.not_outside += 1


def _readable() -> Iterator[Checkpoint]:
    following = 0
    try:
        for checkpoint in checkpoints_outside():
            yield checkpoint
            following = checkpoint.last + 1
    except CheckpointRefused as error:
        raise Broken(following, _("cannot be checked: %(error)s"), error=error) from error
    except Unavailable as error:
        logger.warning("the record is checked without its checkpoints outside: %s", error.message)
