"""A recorder on the Redis of the tests."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from redis import Redis

    from apps.dispatch.recorder import Recorder


@pytest.fixture
def recorder(db: None, redis: "Redis") -> "Recorder":
    from apps.dispatch.recorder import Recorder

    return Recorder(redis, consumer="test")
