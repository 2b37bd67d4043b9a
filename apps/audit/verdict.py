"""What a check of the record says."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext


@dataclass(frozen=True)
class Verdict:
    """The outcome; `first_bad_seq` and `reason` are set when the chain is broken. `reason` is English, as the
    record and the log hold it, `reason_words` is for the reader of a page.

    `checkpoints` were compared, up to record `covered_seq`; `not_outside` of them were found in the database
    alone, which proves less. `time_stamps` of a foreign authority hold; those of the checkpoints in
    `bad_time_stamps` are none of theirs, or of an authority that VIDETTE_TSA_ROOTS does not name.
    """

    checked: int
    head_seq: int | None
    first_bad_seq: int | None = None
    checkpoints: int = 0
    covered_seq: int | None = None
    not_outside: int = 0
    time_stamps: int = 0
    bad_time_stamps: tuple[int, ...] = ()
    template: str = ""
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.first_bad_seq is None

    @property
    def reason(self) -> str:
        return self.template % self.values

    @property
    def reason_words(self) -> str:
        return gettext(self.template) % self.values if self.template else ""


class Broken(Exception):
    """The first record that is not what was written."""

    def __init__(self, seq: int, template: str, /, **values: object) -> None:
        super().__init__(template % values)
        self.seq = seq
        self.template = template
        self.values = values
