"""How an erasure reaches every store, before its time is over (GDPR Art. 17).

An erasure names targets: events, readings, segments, files. Every store says what it holds of them and how
that goes, or is exempt with a reason; a store that says neither fails the suite, and as long as there is one
nothing is erased at all. So a place that is added later is reached, or says why not.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from apps.retention import registry
from apps.retention.registry import RowStore, Swept


class TargetKind(StrEnum):
    EVENT = "event"
    READING = "reading"
    SEGMENT = "segment"
    FILE = "file"
    WORK = "work"


class Ground(StrEnum):
    """Why something stays."""

    HOLD = "hold"
    OPEN_CASE = "open_case"
    RUNNING = "running"
    EVIDENCE = "evidence"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that is to go. Files and uploads belong to no camera; a track has its run (`epoch`)."""

    kind: TargetKind
    id: UUID
    since: datetime
    until: datetime
    camera_id: UUID | None = None
    epoch: str = ""
    track_id: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One row that a store holds of the targets.

    Attributes:
        cut: the row stays without what leads to the person (pseudonymised); else it goes.
        ground: the store's own reason for which it has to stay, empty where there is none.
    """

    id: str
    since: datetime
    until: datetime
    camera_id: UUID | None = None
    cut: bool = False
    ground: str = ""


class Eraser(Protocol):
    """`find` changes nothing. `erase` takes rows that `find` named, inside of the caller's transaction, and
    names the objects that still have to go; what it takes is recorded by the caller, in portions. One with
    `all_at_once` gets all rows in one call. What lies outside of the database goes in `forget(ids)`.
    """

    def find(self, targets: Sequence[Target]) -> list[Found]: ...

    def erase(self, found: Sequence[Found], reason: str) -> Swept: ...


@dataclass(frozen=True, slots=True)
class RowEraser:
    """The usual eraser: rows of a `RowStore`.

    Attributes:
        matching: the rows that belong to the targets.
        ground: why one of them cannot go now.
        cut: fields that are overwritten where the row itself has to stay.
    """

    store: RowStore
    matching: Callable[[Sequence[Target]], QuerySet[Any]]
    ground: Callable[[Any], str] = lambda _row: ""
    cut: tuple[tuple[str, Any], ...] = ()

    def find(self, targets: Sequence[Target]) -> list[Found]:
        return [self._found(row) for row in self.matching(targets)]

    def _found(self, row: Model) -> Found:
        until = _value(row, self.store.ends)
        since = _value(row, self.store.starts) if self.store.starts else until
        camera_id = getattr(row, self.store.camera) if self.store.camera else None
        return Found(str(row.pk), since, until, camera_id, bool(self.cut), self.ground(row))

    def erase(self, found: Sequence[Found], reason: str) -> Swept:
        ids = [item.id for item in found]
        return self.store.overwrite(ids, dict(self.cut)) if self.cut else self.store.take(ids)


def _value(row: Any, path: str) -> Any:
    for name in path.split("__"):
        row = getattr(row, name)
    return row


@dataclass(frozen=True, slots=True)
class Learned:
    """A version of a model that was made with rows that were found: it keeps what it learned of them."""

    model: str
    sha256: str
    source: str


@dataclass(frozen=True, slots=True)
class Blind:
    """Rows in which an erasure cannot look for a person: `unplaced` of `total` in `source`."""

    source: str
    unplaced: int
    total: int


@dataclass(frozen=True, slots=True)
class Reach:
    """What an erasure has to say beside its buckets: where it ends."""

    learned: tuple[Learned, ...] = ()
    blind: tuple[Blind, ...] = ()


_erasers: dict[str, Eraser] = {}
_reaches: dict[str, Callable[[Sequence[Found]], Reach]] = {}
_exempt: dict[str, str] = {}


def erases(store_name: str, eraser: Eraser) -> None:
    """Called from `ready()` of the app that owns the store, next to `register`."""
    _erasers[store_name] = eraser


def takes_all_at_once(eraser: Eraser) -> bool:
    """Whether rows hang together, so that a portion of them cannot be taken for itself."""
    return bool(getattr(eraser, "all_at_once", False))


def reaches(store_name: str, reach: Callable[[Sequence[Found]], Reach]) -> None:
    """`reach` says of the rows that were found in this store where their erasure ends."""
    _reaches[store_name] = reach


def reach_of(store_name: str, found: Sequence[Found]) -> Reach:
    return _reaches[store_name](found) if store_name in _reaches else Reach()


def erasure_exempt(store_name: str, *, reason: str) -> None:
    """An erasure leaves this store alone, for the reason given."""
    _exempt[store_name] = reason


def erasers() -> Iterator[tuple[registry.Store, Eraser]]:
    """In the order of the stores: an upper app comes before those below it, whose rows it names."""
    for store in registry.stores():
        if store.name in _erasers:
            yield store, _erasers[store.name]


def exemptions() -> dict[str, str]:
    return dict(_exempt)


def undecided() -> list[str]:
    """Stores that say neither how they erase nor why not."""
    return [store.name for store in registry.stores() if store.name not in _erasers.keys() | _exempt.keys()]


def of_kind(targets: Sequence[Target], kind: TargetKind) -> list[UUID]:
    return [target.id for target in targets if target.kind == kind]


def tracks(targets: Sequence[Target]) -> list[Target]:
    """The targets that are one track of one camera's run."""
    return [target for target in targets if target.track_id is not None and target.camera_id is not None]


def overlapping(
    targets: Sequence[Target],
    starts: str,
    ends: str,
    camera: str = "camera_id",
    *,
    kinds: Sequence[TargetKind] = (),
) -> Q:
    """Condition on rows of the targets' cameras that touch their time."""
    found = Q(pk__in=[])
    for target in targets:
        if target.camera_id is not None and (not kinds or target.kind in kinds):
            found |= Q(
                **{camera: target.camera_id, f"{starts}__lte": target.until, f"{ends}__gte": target.since}
            )
    return found
