"""Keyset pagination: a cursor names the last row seen, so that page 1,000 costs what page 1 costs and new
rows neither repeat nor hide others."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Field, Model, Q, QuerySet
from django.utils.translation import gettext as _

from apps.core.errors import Invalid

M = TypeVar("M", bound=Model)
MAX_CURSOR_CHARACTERS = 1000


@dataclass(frozen=True)
class KeysetPage(Generic[M]):
    """Rows of one page; `next_cursor` is empty on the last one."""

    items: list[M]
    next_cursor: str


def keyset_page(
    queryset: QuerySet[M], *, ordering: Sequence[str], limit: int, cursor: str = ""
) -> KeysetPage[M]:
    """The rows after `cursor` in `ordering` ("-at", "-id", "site__name"; unique together, never null).

    Raises Invalid("bad_cursor") for a cursor that this ordering did not make.
    """
    rows = queryset.order_by(*ordering)
    if cursor:
        rows = rows.filter(_after(ordering, _decode(rows.model, ordering, cursor)))
    items = list(rows[: limit + 1])
    more = len(items) > limit
    items = items[:limit]
    return KeysetPage(items, _encode(ordering, items[-1]) if more else "")


def _after(ordering: Sequence[str], values: Sequence[Any]) -> Q:
    """Rows behind `values`: (a, b) after (x, y) is a > x, or a = x and b > y."""
    condition = Q()
    equal = Q()
    for name, value in zip(ordering, values, strict=True):
        field, operator = _parts(name)
        condition |= equal & Q(**{f"{field}__{operator}": value})
        equal &= Q(**{field: value})
    first, operator = _parts(ordering[0])
    # Says again what follows from the rest, in the form that an index on the first column can use.
    return Q(**{f"{first}__{operator}e": values[0]}) & condition


def _parts(name: str) -> tuple[str, str]:
    return (name[1:], "lt") if name.startswith("-") else (name, "gt")


def _encode(ordering: Sequence[str], item: Model) -> str:
    keys = [_plain(_value(item, _parts(name)[0])) for name in ordering]
    text = json.dumps([list(ordering), keys], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _value(item: Any, path: str) -> Any:
    for name in path.split("__"):
        item = getattr(item, name)
    return item


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _decode(model: type[Model], ordering: Sequence[str], cursor: str) -> list[Any]:
    try:
        if len(cursor) > MAX_CURSOR_CHARACTERS:
            raise ValueError("too long")
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        made_for, keys = json.loads(raw)
        if made_for != list(ordering) or len(keys) != len(ordering):
            raise ValueError("made for another list")
        fields = [_field(model, _parts(name)[0]) for name in ordering]
        return [_key(field, key) for field, key in zip(fields, keys, strict=True)]
    except (ValueError, TypeError, RecursionError, binascii.Error, ValidationError) as error:
        message = _("The cursor was not made by this list. Leave it out to start at the beginning.")
        raise Invalid("bad_cursor", message, field="cursor") from error


def _key(field: "Field[Any, Any]", key: Any) -> Any:
    value = field.to_python(key)
    field.run_validators(value)  # a number beyond the column, for example
    if value is None or (isinstance(value, str) and "\x00" in value):
        raise ValueError("expected a value in every place of the cursor")
    return value


def _field(model: type[Model], path: str) -> "Field[Any, Any]":
    *relations, last = path.split("__")
    for name in relations:
        related = model._meta.get_field(name).related_model
        if not isinstance(related, type) or not issubclass(related, Model):
            raise FieldDoesNotExist(f"{path}: {name} is not a relation of {model.__name__}")
        model = related
    field = model._meta.pk if last == "pk" else model._meta.get_field(last)
    if not isinstance(field, Field):
        raise FieldDoesNotExist(f"{path} is not a column of {model.__name__}")
    return field
