"""The ledger of one camera's frames: every captured frame ends as analysed, skipped or lost, with a reason.

Pure. `captured = analysed + skipped + lost + in flight` holds after every call.
"""

from collections import Counter

from inference_workers.contracts.results import Account
from inference_workers.engine.sources.messages import Tally

LOST_RING_FULL = "ring_full"
LOST_STOPPED = "stopped"
SKIPPED_RATE = "rate"
_NOTHING = Tally(0, 0, 0, 0)


class FrameLedger:
    """Counts of one epoch. A frame is opened by the decoder's tally and closed exactly once."""

    def __init__(self, camera_id: str, epoch: str) -> None:
        self._camera_id = camera_id
        self._epoch = epoch
        self._last = _NOTHING
        self.captured = 0
        self.analysed = 0
        self.in_flight = 0
        self.skipped: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()

    def note(self, tally: Tally) -> None:
        """Take over the decoder's cumulative counts; frames that it placed are in flight from now on.

        Raises:
            ValueError: the counts go backwards or do not add up; nothing is taken over.
        """
        decoded = tally.decoded - self._last.decoded
        rate = tally.rate - self._last.rate
        ring_full = tally.ring_full - self._last.ring_full
        placed = decoded - rate - ring_full
        if min(decoded, rate, ring_full, placed) < 0:
            raise ValueError(f"expected counts that only grow and add up, got {tally} after {self._last}")
        self._last = tally
        self.captured += decoded
        self.in_flight += placed
        self._count(self.skipped, SKIPPED_RATE, rate)
        self._count(self.lost, LOST_RING_FULL, ring_full)

    def close_analysed(self) -> None:
        self._take()
        self.analysed += 1

    def close_skipped(self, reason: str) -> None:
        self._take()
        self.skipped[reason] += 1

    def close_lost(self, reason: str) -> None:
        self._take()
        self.lost[reason] += 1

    def end_of_decoder(self) -> None:
        """The decoder is gone and the next one counts from zero; what was in flight is lost."""
        self._count(self.lost, LOST_STOPPED, self.in_flight)
        self.in_flight = 0
        self._last = _NOTHING

    def account(self, at: float) -> Account:
        return Account(
            camera_id=self._camera_id,
            epoch=self._epoch,
            at=at,
            captured=self.captured,
            analysed=self.analysed,
            in_flight=self.in_flight,
            skipped=dict(self.skipped),
            lost=dict(self.lost),
        )

    def _take(self) -> None:
        if self.in_flight < 1:
            raise ValueError("expected a frame in flight, got none: a frame was closed twice")
        self.in_flight -= 1

    @staticmethod
    def _count(counter: Counter[str], reason: str, count: int) -> None:
        if count:
            counter[reason] += count
