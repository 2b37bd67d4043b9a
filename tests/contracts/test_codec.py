"""Messages between processes: what was sent is what arrives, and anything else is refused in words."""

import dataclasses
import importlib
import json
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from inference_workers import contracts
from inference_workers.contracts.codec import ContractError, decode, encode

st.register_type_strategy(
    Mapping, lambda kind: st.dictionaries(*(st.from_type(part) for part in get_args(kind)))
)
# What is not finite is not sent (below).
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


def _contracts() -> Iterator[type]:
    for found in pkgutil.iter_modules(contracts.__path__):
        module = importlib.import_module(f"{contracts.__name__}.{found.name}")
        for kind in vars(module).values():
            if isinstance(kind, type) and dataclasses.is_dataclass(kind):
                yield kind


@st.composite
def _messages(draw: st.DrawFn) -> object:
    kind = draw(st.sampled_from(sorted(set(_contracts()), key=lambda kind: kind.__qualname__)))
    try:
        return draw(st.from_type(kind))
    except ContractError:  # some contracts demand more than the types of their fields
        assume(False)


@given(_messages())
def test_every_contract_comes_back_as_it_was_sent(message: object) -> None:
    text = encode(message)
    assert decode(type(message), text) == message
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Point:
    at: tuple[float, float]
    colour: Colour = Colour.RED


@dataclass(frozen=True, slots=True)
class Drawing:
    name: str
    count: int
    points: tuple[Point, ...] = ()
    named: dict[str, Point] = field(default_factory=dict)
    note: str | None = None


GOOD = {"name": "a", "count": 1}


def test_what_has_a_default_may_be_left_out_and_a_whole_number_is_a_float() -> None:
    text = json.dumps({**GOOD, "points": [{"at": [1, 2.5]}], "note": None})
    assert decode(Drawing, text) == Drawing("a", 1, (Point((1.0, 2.5)),))
    assert isinstance(decode(Drawing, text).points[0].at[0], float)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"extra": 1}, r"Drawing: unknown fields \['extra'\]"),
        ({"count": True}, "Drawing.count: expected int, got True"),
        ({"count": 1.0}, "Drawing.count: expected int, got 1.0"),
        ({"name": None}, "Drawing.name: expected str, got None"),
        ({"note": 3}, "Drawing.note: expected str, got 3"),
        ({"points": {}}, "Drawing.points: expected a list, got dict"),
        ({"points": [{"at": [1, 2]}, 5]}, r"Drawing.points\[1\]: expected an object, got int"),
        ({"points": [{}]}, r"Drawing.points\[0\]: missing fields \['at'\]"),
        ({"points": [{"at": [1]}]}, r"Drawing.points\[0\].at: expected 2 items, got 1"),
        ({"points": [{"at": [1, "2"]}]}, r"Drawing.points\[0\].at\[1\]: expected float, got '2'"),
        ({"points": [{"at": [1, True]}]}, r"at\[1\]: expected float, got True"),
        ({"points": [{"at": [1, 10**400]}]}, r"at\[1\]: expected a finite number, got 1000"),
        ({"named": {"b": {"at": [1, 2], "colour": "blue"}}}, "named.b.colour: expected one of .*'blue'"),
        ({"named": []}, "Drawing.named: expected an object, got list"),
    ],
)
def test_the_first_thing_that_is_wrong_is_named_with_its_place(change: dict[str, object], words: str) -> None:
    with pytest.raises(ContractError, match=words):
        decode(Drawing, json.dumps(GOOD | change))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, b"\xff", '{"name": "a"}', "3", '{"at": [NaN, 1]}'])
def test_what_is_no_message_is_refused(text: str | bytes) -> None:
    with pytest.raises(ContractError, match=r"Drawing|expected"):
        decode(Drawing, text)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_sent(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode(Point((number, 1.0)))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(number: str) -> None:
    with pytest.raises(ContractError, match="expected a finite number"):
        decode(Point, f'{{"at": [{number}, 1]}}')
