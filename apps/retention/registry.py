"""Which stores hold data about persons, and how each is swept.

Every model of the product is either registered as a store, goes with one by a foreign key, or is exempt with
a reason; every prefix of object keys belongs to a store. A test walks all of them, so that nobody adds a
place where pictures of people stay for ever.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django.apps import apps as django_apps
from django.db.models import Count, Max, Min, Model, Q, QuerySet
from django.utils.functional import Promise

from apps.retention.plan import Plan


@dataclass(frozen=True, slots=True)
class Census:
    """How much a store holds at one moment."""

    total: int
    due: int
    held: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Swept:
    """What one step took out: the names of the rows and the objects that still have to go."""

    ids: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    oldest_at: datetime | None = None
    newest_at: datetime | None = None


class Store(Protocol):
    """A place that holds data about persons.

    `census` counts and changes nothing. `sweep` deletes at most `limit` rows inside of the caller's
    transaction and names the objects that belonged to them; what it takes is recorded by the caller. A store
    outside of the database names what goes and deletes it in `forget(ids)`.
    """

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str | Promise: ...

    @property
    def model_labels(self) -> tuple[str, ...]: ...

    @property
    def prefixes(self) -> tuple[str, ...]: ...

    def census(self, plan: Plan) -> Census: ...

    def sweep(self, plan: Plan, limit: int) -> Swept: ...

    def keys_in_use(self, keys: Sequence[str]) -> set[str]: ...


def forget_outside(store: object, ids: Sequence[str]) -> None:
    """Delete what a store, or an eraser, keeps outside of the database, where no rollback brings it back: the
    last step of the transaction that says so, when nothing can refuse any more."""
    forget = getattr(store, "forget", None)
    if forget is not None and ids:
        forget(ids)


@dataclass(frozen=True, slots=True)
class RowStore:
    """The usual store: rows of one model, each with a time, most with a camera, some with objects.

    Attributes:
        starts, ends: the fields that say of when the data is.
        counts: the field from which the class counts, where that is not `ends`.
        camera: the field of the camera's id; None where rows belong to no camera (the default class then).
        keys: fields with object keys.
        goes: which rows may be swept at all (work that still runs may not).
    """

    name: str
    title: str | Promise
    model: str
    ends: str
    starts: str = ""
    camera: str | None = "camera_id"
    keys: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    goes: Q = field(default_factory=Q)
    counts: str = ""

    @property
    def _age(self) -> str:
        return self.counts or self.ends

    @property
    def model_labels(self) -> tuple[str, ...]:
        return (self.model,)

    def _rows(self) -> QuerySet[Model]:
        model: type[Model] = django_apps.get_model(self.model)
        return model._default_manager.order_by()

    def _over(self, plan: Plan) -> QuerySet[Model]:
        return self._rows().filter(self.goes & plan.over(self._age, self.camera))

    def _held(self, plan: Plan) -> Q:
        return plan.held(self.starts or self.ends, self.ends, self.camera)

    def census(self, plan: Plan) -> Census:
        over, held = self._over(plan), self._held(plan)
        facts = self._rows().aggregate(oldest=Min(self._age))
        return Census(
            total=self._rows().count(),
            due=over.exclude(held).count(),
            held=over.filter(held).count(),
            oldest_at=facts["oldest"],
        )

    def sweep(self, plan: Plan, limit: int) -> Swept:
        due = self._over(plan).exclude(self._held(plan)).order_by(self._age, "pk")
        return self.take(list(due.values_list("pk", flat=True)[:limit]))

    def take(self, ids: Sequence[Any]) -> Swept:
        """Delete these rows; the objects that nobody names any more have still to go."""
        rows = self._rows().filter(pk__in=ids)
        facts = rows.aggregate(oldest=Min(self._age), newest=Max(self._age), count=Count("pk"))
        if not facts["count"]:
            return Swept()
        keys = sorted({key for field in self.keys for key in rows.values_list(field, flat=True) if key})
        rows.delete()
        keys = sorted(set(keys) - keys_in_use(keys))  # an event and its readings share a picture
        return Swept(tuple(map(str, ids)), tuple(keys), facts["oldest"], facts["newest"])

    def overwrite(self, ids: Sequence[Any], values: Mapping[str, Any]) -> Swept:
        """Leave the rows and overwrite what leads to a person."""
        rows = self._rows().filter(pk__in=ids)
        facts = rows.aggregate(oldest=Min(self._age), newest=Max(self._age))
        rows.update(**values)
        return Swept(tuple(map(str, ids)), (), facts["oldest"], facts["newest"])

    def keys_in_use(self, keys: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for name in self.keys:
            found.update(self._rows().filter(**{f"{name}__in": keys}).values_list(name, flat=True))
        return found


_stores: dict[str, Store] = {}
_exempt: dict[str, str] = {}


def register(store: Store) -> None:
    """Called from `ready()` of the app that owns the store. A second store of the same name is a mistake."""
    known = _stores.get(store.name)
    if known is not None and known != store:
        raise ValueError(f"a store named {store.name!r} is registered already")
    _stores[store.name] = store


def exempt(*model_labels: str, reason: str) -> None:
    """These models hold nothing about persons in front of a camera, for the reason given."""
    for label in model_labels:
        _exempt[label] = reason


def stores() -> tuple[Store, ...]:
    return tuple(_stores.values())


def exemptions() -> dict[str, str]:
    return dict(_exempt)


def prefixes() -> Iterator[tuple[str, Store]]:
    for store in stores():
        for prefix in store.prefixes:
            yield prefix, store


def keys_in_use(keys: Sequence[str]) -> set[str]:
    """Those of the object keys that a row of any store still names."""
    return {key for store in stores() for key in store.keys_in_use(keys)}
