"""Strict JSON for the contract dataclasses.

`encode` writes canonical-enough JSON (sorted keys, no spaces); `decode` builds the dataclass again and
refuses unknown fields, missing fields and values of the wrong type, so a message from another release or
from a stranger fails with a sentence instead of travelling on half understood.

Every picture, batch and result passes here, so what a type demands is worked out once per type (`_reader`)
and not once per value.
"""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
Reader = Callable[[Any], Any]


class ContractError(ValueError):
    """A message does not have the form that its contract promises."""


class _Mismatch(Exception):
    """`path` leads to the value that is wrong; who reads its surroundings puts a step in front."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path

    def inside(self, step: str) -> "_Mismatch":
        return _Mismatch(self.reason, step + self.path)


def encode(message: Any) -> str:
    """Serialise one contract dataclass to JSON text.

    Raises:
        ValueError: a number in it is not finite.
    """
    return json.dumps(message, default=_fields, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _fields(part: Any) -> dict[str, Any]:
    return {name: getattr(part, name) for name in _names(typing.cast(type, type(part)))}


@cache
def _names(contract: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(contract))


def decode(contract: type[T], text: str | bytes) -> T:
    """Build `contract` from JSON text.

    Raises:
        ContractError: the text is no JSON, or does not match the dataclass.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"{contract.__name__}: expected JSON, got {error}") from error
    try:
        return typing.cast(T, _reader(typing.cast(type, contract))(value))
    except _Mismatch as error:
        raise ContractError(f"{contract.__name__}{error.path}: {error.reason}") from None


@cache
def _reader(kind: Any) -> Reader:
    """What turns a JSON value into a `kind` or raises _Mismatch."""
    if dataclasses.is_dataclass(kind):
        return _dataclass_reader(typing.cast(type, kind))
    if typing.get_origin(kind) is not None:
        return _generic_reader(typing.get_origin(kind), typing.get_args(kind))
    if issubclass(kind, StrEnum):
        return _enum_reader(kind)
    return _read_float if kind is float else _scalar_reader(kind)


def _generic_reader(origin: Any, arguments: tuple[Any, ...]) -> Reader:
    if origin in (typing.Union, types.UnionType):
        (member,) = (item for item in arguments if item is not type(None))
        return _optional_reader(_reader(member))
    if origin in (dict, Mapping):
        return _mapping_reader(_reader(arguments[1]))
    if origin is not tuple:
        raise TypeError(f"contracts: expected a tuple or mapping, got {origin}")
    if arguments[1:] == (Ellipsis,):
        return _list_reader(_reader(arguments[0]))
    return _row_reader(tuple(map(_reader, arguments)))


def _read_float(value: Any) -> float:
    if type(value) is not float and type(value) is not int:
        raise _Mismatch(f"expected float, got {value!r:.80}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _Mismatch(f"expected a finite number, got {value!s:.80}")
    return number


def _scalar_reader(kind: type) -> Reader:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise _Mismatch(f"expected {kind.__name__}, got {value!r:.80}")
        return value

    return read


def _enum_reader(kind: type[StrEnum]) -> Reader:
    def read(value: Any) -> StrEnum:
        try:
            return kind(value)
        except ValueError:
            raise _Mismatch(f"expected one of {[*kind]}, got {value!r:.80}") from None

    return read


def _optional_reader(member: Reader) -> Reader:
    return lambda value: None if value is None else member(value)


def _list_reader(member: Reader) -> Reader:
    def read(value: Any) -> tuple[Any, ...]:
        given = _listed(value)
        items: list[Any] = []
        try:
            items.extend(map(member, given))
        except _Mismatch as error:
            raise error.inside(f"[{len(items)}]") from None
        return tuple(items)

    return read


def _row_reader(members: tuple[Reader, ...]) -> Reader:
    """A tuple of a fixed length, each item of its own type."""

    def read(value: Any) -> tuple[Any, ...]:
        if len(_listed(value)) != len(members):
            raise _Mismatch(f"expected {len(members)} items, got {len(value)}")
        items: list[Any] = []
        try:
            for member, item in zip(members, value, strict=True):
                items.append(member(item))
        except _Mismatch as error:
            raise error.inside(f"[{len(items)}]") from None
        return tuple(items)

    return read


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _Mismatch(f"expected a list, got {type(value).__name__}")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Mismatch(f"expected an object, got {type(value).__name__}")
    return value


def _mapping_reader(member: Reader) -> Reader:
    return lambda value: {key: _step(member, item, key) for key, item in _object(value).items()}


def _step(member: Reader, item: Any, key: str) -> Any:
    try:
        return member(item)
    except _Mismatch as error:
        raise error.inside(f".{key}") from None


def _dataclass_reader(kind: type) -> Reader:
    fields = dataclasses.fields(kind)
    hints = typing.get_type_hints(kind)
    members = {field.name: _reader(hints[field.name]) for field in fields}
    required = {field.name for field in fields if _has_no_default(field)}

    def read(value: Any) -> Any:
        given = _object(value).keys()
        if unknown := given - members.keys():
            raise _Mismatch(f"unknown fields {sorted(unknown)!r:.120}")
        if missing := required - given:
            raise _Mismatch(f"missing fields {[name for name in members if name in missing]}")
        return kind(**{name: _step(members[name], item, name) for name, item in value.items()})

    return read


def _has_no_default(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
