"""What a check of the record says."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """The outcome; `first_bad_seq` and `reason` are set when the chain is broken.

    `checkpoints` were compared, up to record `covered_seq`; `not_outside` of them were found in the database
    alone, which proves less.
    """

    checked: int
    head_seq: int | None
    first_bad_seq: int | None = None
    reason: str = ""
    checkpoints: int = 0
    covered_seq: int | None = None
    not_outside: int = 0

    @property
    def ok(self) -> bool:
        return self.first_bad_seq is None


class Broken(Exception):
    """The first record that is not what was written."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(reason)
        self.seq = seq
        self.reason = reason
