"""A worker that really checks and installs, when the test says so."""

import json
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.apps.registry.worker import Worker


@pytest.fixture
def worker(tmp_path, redis, settings, monkeypatch) -> "Worker":
    from apps.core.crypto import signing_public_keys
    from apps.core.objects import object_delete
    from apps.registry import checking
    from inference_workers.contracts.names import HEARTBEATS
    from inference_workers.tasks import check_models
    from tests.apps.registry.worker import Worker, stored, without_walls

    found = Worker(tmp_path / "data", settings.OBJECT_STORE_URL, signing_public_keys())
    redis.hset(HEARTBEATS, "gpu", json.dumps({"at": time.time()}))
    monkeypatch.setattr(checking, "gpu_send", found.take)
    monkeypatch.setattr(check_models, "check_file", without_walls)
    for key in stored():
        object_delete(key)
    return found


@pytest.fixture
def walls(worker, monkeypatch) -> None:
    """Checks in a process of their own, as in the product; other tests save its two seconds."""
    from inference_workers.engine.model_checks.process import check_file
    from inference_workers.tasks import check_models

    monkeypatch.setattr(check_models, "check_file", check_file)
