"""What every test stands on: a data folder, secrets, Redis and a database of its own.

The environment is set here, before Django reads its settings: a test never touches the installation in
`var/`. `VIDETTE_TEST_DATABASE=postgresql` runs everything on a real PostgreSQL that is started here;
the default is SQLite in a file, with the same journal and lock modes as in the product.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from inspect import signature
from pathlib import Path

import django
import pytest
from hypothesis import settings as hypothesis_settings

from tests.record_flush import record_survives_flush  # noqa: F401 - a fixture for every test
from tests.services import PostgresServer, RedisServer, ServiceMissing

# The suite says the same of the same code, and no example fails for being slow on crowded cores. What chance
# finds is looked for on purpose: `pytest --hypothesis-profile=search PATH`, other examples at every run.
hypothesis_settings.register_profile("suite", derandomize=True, deadline=None)
hypothesis_settings.register_profile("search", max_examples=2000, deadline=None)
hypothesis_settings.load_profile("suite")

_DATA_PLANE = {"engine", "workers", "quality", "gpu"}
_CONTROL_PLANE = {"apps", "live", "queries", "e2e", "architecture"}
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
_FOLDER = Path(tempfile.mkdtemp(prefix="vidette-tests-"))
_REDIS = RedisServer()


def _start_database() -> None:
    """Once for all workers of a parallel run; each makes its own test database in it."""
    kind = os.environ.get("VIDETTE_TEST_DATABASE", "sqlite")
    if kind not in ("sqlite", "postgresql"):
        raise pytest.UsageError(f"VIDETTE_TEST_DATABASE: expected sqlite or postgresql, got {kind!r}")
    if _WORKER:
        return
    os.environ.pop("DATABASE_URL", None)
    if kind == "postgresql":
        try:
            server = PostgresServer().start()
        except ServiceMissing as error:
            raise pytest.UsageError(str(error)) from error
        atexit.register(server.stop)
        os.environ["DATABASE_URL"] = server.url


def _set_environment() -> None:
    (_FOLDER / "staticfiles").mkdir()  # its absence is a warning of whitenoise
    secrets = (
        "SECRET_KEY",
        "VIDETTE_FIELD_KEY",
        "VIDETTE_LEASE_KEY",
        "VIDETTE_RECORD_KEY",
        "VIDETTE_MASTER_KEY",
    )
    for name in (*secrets, "CELERY_BROKER_URL", "SENTRY_DSN"):
        os.environ.pop(name, None)
    os.environ |= {
        "VIDETTE_ENV": "test",
        "VIDETTE_DATA_DIR": str(_FOLDER),
        "OBJECT_STORE_URL": (_FOLDER / "objects").as_uri(),
        "VIDETTE_MODEL_DIR": str(_FOLDER / "models"),
        "REDIS_URL": _REDIS.url,
        "LOG_LEVEL": "WARNING",
        "OMP_NUM_THREADS": "1",
        "OMP_THREAD_LIMIT": "1",
    }


def _needs_django(arguments: list[str]) -> bool:
    """A run of nothing but data-plane tests stays without Django, as the data plane does."""
    folders = {part for argument in arguments for part in Path(argument.partition("::")[0]).parts}
    return not folders & _DATA_PLANE or bool(folders & _CONTROL_PLANE)


def pytest_configure(config: pytest.Config) -> None:
    # The process that only hands out tests must not name the settings: its workers would inherit the name and
    # read the settings before they have set their own environment above.
    hands_out = bool(config.getoption("numprocesses", None)) and not _WORKER
    if _needs_django(config.args) and not hands_out:
        os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
        django.setup()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what cannot reach the database, because pytest-django refuses it to whoever has not asked."""
    for item in items:
        if isinstance(item, pytest.Function) and not _may_reach_the_database(item):
            item.add_marker(pytest.mark.database_neutral)


def _may_reach_the_database(test: pytest.Function) -> bool:
    """By its fixtures, by one that it asks for later, or by a process that it starts."""
    return (
        bool({"db", "transactional_db", "django_db_setup"} & set(test.fixturenames))
        or test.get_closest_marker("django_db") is not None
        or "request" in signature(test.function).parameters
        or "subprocess" in vars(test.module)
    )


_start_database()
_set_environment()
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
atexit.register(_REDIS.stop)


@pytest.fixture(scope="session", autouse=True)
def redis_server() -> RedisServer:
    """The Redis of this test process, at `settings.REDIS_URL`; stopped at the very end."""
    return _REDIS.start()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The same Redis, emptied."""
    import redis

    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture(scope="session", autouse=True)
def test_settings() -> Iterator[None]:
    """Cheap password hashes and static files without a manifest; everything else as in the product."""
    from django.conf import settings
    from django.test import override_settings

    if "DJANGO_SETTINGS_MODULE" not in os.environ:
        yield
        return
    storages = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"], STORAGES=storages
    ):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite in a file, so that other processes and threads of a test see the same rows."""
    from django.conf import settings

    default = settings.DATABASES["default"]
    if default["ENGINE"].endswith("sqlite3"):
        default.setdefault("TEST", {})["NAME"] = str(_FOLDER / "test.sqlite3")
