"""Strict JSON for the contract dataclasses.

`encode` writes canonical-enough JSON (sorted keys, no spaces); `decode` builds the dataclass again and
refuses unknown fields, missing fields and values of the wrong type, so a message from another release or
from a stranger fails with a sentence instead of travelling on half understood.
"""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class ContractError(ValueError):
    """A message does not have the form that its contract promises."""


def encode(message: Any) -> str:
    """Serialise one contract dataclass to JSON text."""
    return json.dumps(dataclasses.asdict(message), sort_keys=True, separators=(",", ":"), allow_nan=False)


def decode(contract: type[T], text: str | bytes) -> T:
    """Build `contract` from JSON text.

    Raises:
        ContractError: the text is no JSON, or does not match the dataclass.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"{contract.__name__}: expected JSON, got {error}") from error
    return typing.cast(T, _build(contract, value, contract.__name__))


@cache
def _hints(contract: type) -> dict[str, Any]:
    return typing.get_type_hints(contract)


def _build(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _build_dataclass(typing.cast(type, kind), value, where)
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _build_optional(kind, value, where)
    if origin is tuple:
        return _build_tuple(kind, value, where)
    if origin in (dict, Mapping):
        return _build_mapping(kind, value, where)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        try:
            return kind(value)
        except ValueError as error:
            raise ContractError(f"{where}: expected one of {[*kind]}, got {value!r:.80}") from error
    return _build_scalar(kind, value, where)


def _build_scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise ContractError(f"{where}: expected a finite number, got {value}")
        return float(value)
    if kind is int and isinstance(value, bool):
        raise ContractError(f"{where}: expected int, got a bool")
    if isinstance(kind, type) and isinstance(value, kind):
        return value
    raise ContractError(f"{where}: expected {getattr(kind, '__name__', kind)}, got {value!r:.80}")


def _build_dataclass(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ContractError(f"{where}: expected an object, got {type(value).__name__}")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if unknown := value.keys() - fields.keys():
        raise ContractError(f"{where}: unknown fields {sorted(unknown)!r:.120}")
    missing = [
        name
        for name, field in fields.items()
        if name not in value
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ContractError(f"{where}: missing fields {missing}")
    hints = _hints(kind)
    return kind(**{name: _build(hints[name], item, f"{where}.{name}") for name, item in value.items()})


def _build_optional(kind: Any, value: Any, where: str) -> Any:
    members = typing.get_args(kind)
    if value is None and type(None) in members:
        return None
    (member,) = (item for item in members if item is not type(None))
    return _build(member, value, where)


def _build_tuple(kind: Any, value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise ContractError(f"{where}: expected a list, got {type(value).__name__}")
    members = typing.get_args(kind)
    if len(members) == 2 and members[1] is Ellipsis:
        return tuple(_build(members[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if len(members) != len(value):
        raise ContractError(f"{where}: expected {len(members)} items, got {len(value)}")
    return tuple(
        _build(member, item, f"{where}[{i}]")
        for i, (member, item) in enumerate(zip(members, value, strict=True))
    )


def _build_mapping(kind: Any, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ContractError(f"{where}: expected an object, got {type(value).__name__}")
    _, member = typing.get_args(kind)
    return {key: _build(member, item, f"{where}.{key}") for key, item in value.items()}
