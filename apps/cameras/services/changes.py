"""The compare-and-set step that every change of a versioned row goes through."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from apps.core.errors import Conflict, NotFound

Row = TypeVar("Row", bound=models.Model)


@contextmanager
def unique_names(kind: str) -> Iterator[None]:
    """One transaction in which a broken unique constraint is told as a conflict of names."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise Conflict(
            "name_taken", _("There is a %(kind)s of this name already.") % {"kind": kind}
        ) from error


def changes_apply(row: Row, *, version: int, changes: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Write `changes` if `row` still has `version`; return {field: [old, new]} of what differs.

    Raises:
        Conflict: somebody else changed the row first.
        NotFound: the row is gone.
    """
    manager = type(row)._default_manager
    stored = manager.filter(pk=row.pk).first()
    if stored is None:
        raise NotFound(str(row._meta.verbose_name))
    differing = {name: value for name, value in changes.items() if getattr(stored, name) != value}
    updated = manager.filter(pk=row.pk, version=version).update(**differing, version=version + 1)
    if updated == 0:
        raise Conflict(
            "version_conflict",
            _("Somebody changed this meanwhile. Load it again and repeat your change."),
        )
    old = {name: getattr(stored, name) for name in differing}
    _take_over(row, stored, {**differing, "version": version + 1})
    return {name: [_plain(old[name]), _plain(value)] for name, value in differing.items()}


def _take_over(row: Row, stored: Row, changes: Mapping[str, Any]) -> None:
    """`row` as the database now holds it, without reading it again."""
    row._state.fields_cache.clear()
    getattr(row, "_prefetched_objects_cache", {}).clear()
    for field in row._meta.concrete_fields:
        setattr(row, field.attname, getattr(stored, field.attname))
    for name, value in changes.items():
        setattr(row, name, value)


def _plain(value: Any) -> Any:
    """A value that the record can hold."""
    if isinstance(value, models.Model):
        return str(value.pk)
    return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else str(value)
