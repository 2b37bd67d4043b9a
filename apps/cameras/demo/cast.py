"""Who and what the demonstration has: sites, people and their grants, from `fixtures/demo.json`."""

import json
from dataclasses import dataclass
from functools import cache

from django.conf import settings

from apps.accounts.models import Role


@dataclass(frozen=True, slots=True)
class DemoSite:
    """`key` is what clips and grants name it by."""

    key: str
    name: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Person:
    username: str
    role: Role
    note: str


@dataclass(frozen=True, slots=True)
class Grant:
    username: str
    site: str
    permission: str


@dataclass(frozen=True, slots=True)
class Cast:
    """adam watches because zones are drawn on a picture; charlie gets nothing."""

    sites: tuple[DemoSite, ...]
    people: tuple[Person, ...]
    grants: tuple[Grant, ...]


@cache
def cast() -> Cast:
    rows = json.loads((settings.BASE_DIR / "fixtures" / "demo.json").read_text(encoding="utf-8"))
    return Cast(
        sites=tuple(DemoSite(**row) for row in rows["sites"]),
        people=tuple(Person(row["username"], Role(row["role"]), row["note"]) for row in rows["people"]),
        grants=tuple(Grant(**row) for row in rows["grants"]),
    )
