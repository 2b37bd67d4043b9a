"""One world for all tests of a module: made once, and every test goes back to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from pytest_django import DjangoDbBlocker

from tests.apps.conftest import camera_add, operator_add, site_a_add, site_b_add, user_add
from tests.services import RedisServer

if TYPE_CHECKING:
    from redis import Redis

    from apps.accounts.models import User
    from tests.apps.api.world import Place


@dataclass(frozen=True)
class World:
    """The cast, and the objects of its own site and of the other one."""

    people: dict[str, "User"]
    own: "Place"
    foreign: "Place"


@dataclass(frozen=True)
class Kept:
    """What no rollback brings back: keys of Redis with what is left of their time, and stored objects."""

    redis: dict[bytes, tuple[bytes, int]]
    objects: dict[Path, bytes]

    @classmethod
    def of_now(cls, redis: "Redis", made: set[Path]) -> "Kept":
        keys = {key: (redis.dump(key), max(0, redis.pttl(key))) for key in redis.scan_iter()}
        return cls(keys, {path: path.read_bytes() for path in made})

    def put_back(self, redis: "Redis") -> None:
        redis.flushall()
        for key, (content, ttl_ms) in self.redis.items():
            redis.restore(key, ttl_ms, content)
        for path, content in self.objects.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _objects() -> set[Path]:
    from django.conf import settings

    folder = Path(unquote(urlsplit(settings.OBJECT_STORE_URL).path))
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def made_world(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, redis_server: RedisServer
) -> Iterator[tuple[World, Kept]]:
    """The rows stand in a transaction around those of the tests, which is rolled back at the end."""
    from django.db import transaction
    from redis import Redis

    with django_db_blocker.unblock(), Redis.from_url(redis_server.url) as redis, transaction.atomic():
        redis.flushall()
        before, world = _objects(), _make()
        yield world, Kept.of_now(redis, _objects() - before)
        transaction.set_rollback(True)


def _make() -> World:
    from apps.cameras.services import grant_give
    from tests.apps.api.world import make_place, make_shared

    adam = user_add("adam", "administrator")
    site_a, site_b = site_a_add(adam), site_b_add(adam)
    people = {
        "alice": operator_add("alice", site_a, adam),
        "dana": operator_add("dana", site_b, adam),
        "charlie": user_add("charlie", "operator"),
        "bob": user_add("bob", "compliance"),
        "erin": user_add("erin", "model_owner"),
        "adam": adam,
        "frank": user_add("frank", "compliance"),
    }
    grant_give(acting_user=adam, user=people["frank"], site=site_a, permission="watch")
    cameras = [camera_add(adam, site_a, "Lobby-5c1e"), camera_add(adam, site_b, "Gate-9d27")]
    shared = make_shared(adam, people["erin"])
    own, foreign = (make_place(adam, camera) for camera in cameras)
    own.kwargs.update(shared)
    foreign.kwargs.update(shared)
    return World(people, own, foreign)


@pytest.fixture
def world(made_world: tuple[World, Kept], db: None, redis_server: RedisServer) -> World:
    """The world as it was made: its rows by the rollback of each test, the rest by hand."""
    from redis import Redis

    found, kept = made_world
    with Redis.from_url(redis_server.url) as redis:
        kept.put_back(redis)
    return found
