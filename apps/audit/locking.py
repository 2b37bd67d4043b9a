"""Whether what lies in the storage of checkpoints can be deleted before its time: what the storage says.

A bucket's Object Lock is a setting that somebody may have forgotten, so the newest checkpoint is asked for,
with a signed HEAD request, and its answer read: in which mode it is kept and until when.
"""

import re
import time
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.error import HTTPError

from django.conf import settings
from django.utils.dateparse import parse_datetime
from obstore.exceptions import BaseError

from apps.audit.outside import bucket_ask, outside_name, outside_numbers
from apps.core.clock import now
from apps.core.errors import Unavailable

ASKED_EVERY_S = 60.0
_MODE, _UNTIL = "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"


class Lock(StrEnum):
    FOLDER = "folder"  # whoever owns the folder can delete what is in it
    EMPTY = "empty"  # nothing lies there yet that could be asked for
    LOCKED = "locked"  # nobody can delete it before `until`
    GOVERNED = "governed"  # whoever has a certain right can
    OPEN = "open"  # whoever may write there can
    AWAY = "away"  # the storage does not answer, or not to us


@dataclass(frozen=True, slots=True)
class Storage:
    """`number` is that of the checkpoint that was asked for; `why` is what a storage that is away said."""

    lock: Lock
    number: int | None = None
    until: datetime | None = None
    why: str = ""

    @property
    def holds(self) -> bool:
        return self.lock is Lock.LOCKED


_asked: dict[str, tuple[float, Storage]] = {}


def storage_state() -> Storage:
    """As of a minute ago at most: pages ask often."""
    url = settings.CHECKPOINT_URL
    at, found = _asked.get(url, (0.0, None))
    if found is None or time.monotonic() - at > ASKED_EVERY_S:
        found = storage_ask()
        _asked[url] = (time.monotonic(), found)
    return found


def storage_ask() -> Storage:
    """Ask the storage now. Raises nothing: that it cannot be asked is an answer."""
    if settings.CHECKPOINT_URL.startswith("file:"):
        return Storage(Lock.FOLDER)
    try:
        numbers = outside_numbers()
        return _newest(numbers[-1]) if numbers else Storage(Lock.EMPTY)
    except (Unavailable, OSError, ValueError, BaseError) as error:
        cause = error.__cause__ if isinstance(error, Unavailable) else error
        return Storage(Lock.AWAY, why=_why(str(cause)))


def _why(said: str) -> str:
    """The bucket's own word where it gave one: its whole answer is XML for programs."""
    code = re.search(r"<Code>(\w{1,60})</Code>", said)
    return code[1] if code else " ".join(said.split())[:200]


def _newest(number: int) -> Storage:
    try:
        headers = bucket_ask("HEAD", outside_name(number))
    except HTTPError as error:
        raise OSError(f"the bucket answered {error.code} to a question for its newest object") from error
    mode, until = headers.get(_MODE, ""), parse_datetime(headers.get(_UNTIL, ""))
    if until is None or until <= now():
        return Storage(Lock.OPEN, number)
    return Storage(Lock.LOCKED if mode == "COMPLIANCE" else Lock.GOVERNED, number, until)
