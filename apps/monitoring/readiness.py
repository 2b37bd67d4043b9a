"""Whether this installation can do its work now: each check is a name, a verdict and a sentence."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import obstore
import redis
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _
from obstore.exceptions import BaseError

from apps.cameras.models import Camera
from apps.core.objects import store
from apps.core.redis import client
from inference_workers.contracts.codec import ContractError, decode
from inference_workers.contracts.lease import Lease
from inference_workers.contracts.names import LEASES


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ok: bool
    detail: str = ""


def readiness() -> list[Check]:
    """All checks; one that cannot be made because another part is away says so."""
    return [
        _check("database", _database),
        _check("migrations", _migrations),
        _check("redis", _redis),
        _check("objects", _objects),
        _check("leases", _leases),
    ]


def _check(name: str, check: Callable[[], str]) -> Check:
    """Runs a check that returns a sentence about what is wrong, or nothing."""
    try:
        problem = check()
    except DatabaseError as error:
        problem = _("The database does not answer: %s.") % type(error).__name__
    except redis.RedisError as error:
        problem = _("Redis does not answer: %s. Check REDIS_URL and that it runs.") % type(error).__name__
    except (BaseError, OSError) as error:
        problem = (
            _("The object store does not answer: %s. Check OBJECT_STORE_URL and its rights.")
            % type(error).__name__
        )
    return Check(name, not problem, problem)


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return ""


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not waiting:
        return ""
    return _("%d migrations are not applied. Run: python manage.py migrate") % len(waiting)


def _redis() -> str:
    client().ping()
    return ""


def _objects() -> str:
    """Listing needs the address, the credentials and the right to read, and costs nothing."""
    next(iter(obstore.list(store(), prefix="snapshots/", chunk_size=1)), None)
    return ""


def _leases() -> str:
    """Every enabled camera has a lease that has not run out; without one the data plane stops looking."""
    enabled = {str(key) for key in Camera.objects.filter(enabled=True).values_list("pk", flat=True)}
    if not enabled:
        return ""
    found: dict[bytes, bytes] = client().hgetall(LEASES)  # type: ignore[assignment]  # the sync client
    valid = {key.decode() for key, text in found.items() if _is_valid(text)}
    missing = enabled - valid
    if not missing:
        return ""
    return _(
        "%(count)d of %(all)d cameras have no valid lease. The processes beat and control renew them."
    ) % {"count": len(missing), "all": len(enabled)}


def _is_valid(text: bytes) -> bool:
    try:
        return decode(Lease, text).valid_until > time.time()
    except ContractError:
        return False
